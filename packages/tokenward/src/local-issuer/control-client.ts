import { request } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';
import { CannotRunError } from '../errors.js';
import { runningIssuers, type IssuerState } from './state-file.js';

const TIMEOUT_MS = 20_000;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Finds the running issuer of this user.
 *
 * @param issuer its address. Default: the only one that runs
 * @throws CannotRunError if there is none, or if it is not clear which one is meant
 */
export async function findIssuer(env: Readonly<Record<string, string | undefined>>, issuer: string | undefined): Promise<IssuerState> {
  const running = await runningIssuers(env);
  const wanted = issuer === undefined ? running : running.filter((state) => state.issuer === issuer.replace(/\/$/, ''));
  const [found, another] = wanted;
  const others = running.map((state) => state.issuer).join(', ');
  if (!found) {
    throw new CannotRunError(
      running.length === 0
        ? 'no local issuer runs. Start one in another terminal: npx tokenward issuer'
        : `no local issuer of yours has this address. Running: ${others}`,
    );
  }
  if (another) throw new CannotRunError(`several local issuers run. Choose one with --issuer: ${others}`);
  return found;
}

/**
 * Asks a running issuer, with the secret of its state file, over loopback.
 *
 * @throws CannotRunError if it does not answer, or refuses, with its reason
 */
export async function askIssuer({ controlPort, secret, issuer }: IssuerState, action: string, body: object): Promise<unknown> {
  let answer: { readonly status: number; readonly body: unknown };
  try {
    answer = await post(controlPort, secret, action, JSON.stringify(body));
  } catch {
    throw new CannotRunError(`the local issuer ${issuer} does not answer. Start it again: npx tokenward issuer`);
  }
  if (answer.status === 200) return answer.body;
  const { error } = (answer.body ?? {}) as { readonly error?: unknown };
  throw new CannotRunError(
    typeof error === 'string' && answer.status === 422 ? error : `the local issuer ${issuer} refused the request. Start it again: npx tokenward issuer`,
  );
}

/** Connects to the literal address, by no proxy, and follows no redirect. */
function post(port: number, secret: string, action: string, body: string): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { host: '127.0.0.1', port, path: `/${action}`, method: 'POST', headers, agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const sent = request(options, (response) => {
      const bytes = collectBytes(MAX_BYTES);
      response.on('data', (chunk: Uint8Array) => void (bytes.add(chunk) || response.destroy(new Error('too large'))));
      response.once('error', reject);
      response.once('end', () => {
        let answer: unknown;
        try {
          answer = JSON.parse(bytes.buffer().toString('utf8'));
        } catch (error) {
          reject(error);
          return;
        }
        resolve({ status: response.statusCode ?? 0, body: answer });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
