import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';
import { areEqualTexts } from '@tokenward/core/store';
import { CannotRunError } from '../errors.js';
import { controlProof, MAX_REQUEST_BYTES, PROOF_HEADER } from './control-proof.js';
import { isFileOf, isGone, readStates, removeState, type FoundState, type IssuerState } from './state-file.js';

const TIMEOUT_MS = 20_000;
/** How long an issuer may take to show that it runs. If two issuers run, the busy one must not count as ended. */
const RUNNING_WITHIN_MS = 5000;
const MAX_BYTES = 8 * 1024 * 1024;
const TOO_LARGE = 'the local issuer answers with more than 8 MiB. Each hostile token has the claims of the valid one: use a token with fewer claims';

type Env = Readonly<Record<string, string | undefined>>;

/** Issuers of this user. */
export interface LocalIssuers {
  readonly running: readonly IssuerState[];
  /** Something accepts connections at their ports, and does not answer in time. It may be the issuer or another program. */
  readonly silent: readonly IssuerState[];
  /** Why a state file cannot be used that may be the one of an issuer. */
  readonly unusable: CannotRunError | undefined;
}

/**
 * Asks the issuers of this user at their ports whether they run, all at once. A process id alone would not tell, since another process may have it. The state
 * file of an issuer is removed only if it is certain that the issuer has ended: its process is gone, or another program has its port.
 *
 * @param wanted the only addresses to ask, without a slash at the end. Default: all
 */
export async function localIssuers(env: Env, wanted?: readonly string[]): Promise<LocalIssuers> {
  const { states, unusable } = await readStates(env);
  const asked = states.filter(({ issuer }) => wanted?.includes(issuer) ?? true);
  const found = await Promise.all(asked.map(async (state) => ({ state, how: await stateNow(state) })));
  const those = (how: 'running' | 'silent'): readonly IssuerState[] => found.flatMap((one) => (one.how === how ? [one.state] : []));
  const running = those('running');
  // two processes cannot listen at one address, so an earlier issuer at the address of a running one has ended
  return {
    running,
    silent: those('silent').filter(({ issuer }) => !running.some((one) => one.issuer === issuer)),
    unusable: unusable.find(({ path }) => wanted?.some((issuer) => isFileOf(path, issuer)) ?? true)?.error,
  };
}

/** Returns the address of an issuer as its state has it, without a slash at the end. */
export function addressOf(issuer: string): string {
  return issuer.replace(/\/$/, '');
}

async function stateNow(state: FoundState): Promise<'running' | 'silent' | 'ended'> {
  if (!isGone(state)) {
    const signal = AbortSignal.timeout(RUNNING_WITHIN_MS);
    try {
      // there is no such action, and the answer is proven all the same
      if ((await post(state, '/', '{}', signal)).isProven) return 'running';
    } catch {
      return signal.aborted ? 'silent' : 'ended';
    }
  }
  await removeState(state);
  return 'ended';
}

/** Why a command cannot go on: an issuer that it needs, or may need, is silent. */
export function silentIssuer({ issuer }: IssuerState): CannotRunError {
  return new CannotRunError(
    `the local issuer ${issuer} does not answer within ${RUNNING_WITHIN_MS / 1000} seconds. Start it again (npx tokenward issuer), or choose another one with --issuer`,
  );
}

/** Why a command cannot go on: it is not clear which issuer is meant. */
export function severalIssuers(running: readonly IssuerState[]): CannotRunError {
  return new CannotRunError(`several local issuers run. Choose one with --issuer: ${addressesOf(running)}`);
}

/**
 * Finds the running issuer of this user.
 *
 * @param issuer its address. Default: the only one that runs
 * @throws CannotRunError if there is none, if it does not answer, or if it is not clear which one is meant
 */
export async function findIssuer(env: Env, issuer: string | undefined): Promise<IssuerState> {
  const { running, silent, unusable } = await localIssuers(env, issuer === undefined ? undefined : [addressOf(issuer)]);
  if (silent[0]) throw silentIssuer(silent[0]);
  const [found, another] = running;
  if (unusable && (issuer === undefined || !found)) throw unusable;
  if (!found) {
    const others = issuer === undefined ? running : (await localIssuers(env)).running;
    throw new CannotRunError(
      others.length === 0
        ? 'no local issuer runs. Start one in another terminal: npx tokenward issuer'
        : `no local issuer of yours has this address. Running: ${addressesOf(others)}`,
    );
  }
  if (another) throw severalIssuers(running);
  return found;
}

function addressesOf(states: readonly IssuerState[]): string {
  return states.map(({ issuer }) => issuer).join(', ');
}

/**
 * Asks a running issuer over loopback. Both prove that they know the secret of its state file, and neither sends it.
 *
 * @throws CannotRunError if it does not answer, or refuses, with its reason; and if another program answers at its port
 */
export async function askIssuer(state: IssuerState, action: string, body: object): Promise<unknown> {
  const { issuer } = state;
  const asked = JSON.stringify(body);
  if (Buffer.byteLength(asked) > MAX_REQUEST_BYTES)
    throw new CannotRunError('the local issuer accepts no request of more than 64 KiB. Ask for a token with fewer claims');
  let answer: Answer;
  try {
    answer = await post(state, `/${action}`, asked, AbortSignal.timeout(TIMEOUT_MS));
  } catch (error) {
    if (error instanceof CannotRunError) throw error;
    throw new CannotRunError(`the local issuer ${issuer} does not answer. Start it again: npx tokenward issuer`);
  }
  if (!answer.isProven) throw new CannotRunError(`another program has the port of the local issuer ${issuer}. Start the issuer again: npx tokenward issuer`);
  const content = JSON.parse(answer.body) as unknown;
  if (answer.status === 200) return content;
  const { error } = (content ?? {}) as { readonly error?: unknown };
  throw new CannotRunError(
    typeof error === 'string' && answer.status === 422 ? error : `the local issuer ${issuer} refused the request. Start it again: npx tokenward issuer`,
  );
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Whether the sender knows the secret, and answers this request. */
  readonly isProven: boolean;
}

/** Connects to the literal address, by no proxy, and follows no redirect. */
function post({ controlPort: port, secret }: IssuerState, path: string, body: string, signal: AbortSignal): Promise<Answer> {
  const nonce = randomBytes(16).toString('base64url');
  const authorization = `Proof ${nonce} ${controlProof(secret, 'request', nonce, path, body)}`;
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: false as const, signal };
    const sent = request(options, (response) => {
      const bytes = collectBytes(MAX_BYTES);
      response.on('data', (chunk: Uint8Array) => void (bytes.add(chunk) || response.destroy(new CannotRunError(TOO_LARGE))));
      response.once('error', reject);
      response.once('end', () => {
        const [status, text] = [response.statusCode ?? 0, bytes.buffer().toString('utf8')];
        const isProven = areEqualTexts(String(response.headers[PROOF_HEADER]), controlProof(secret, 'answer', nonce, String(status), text));
        resolve({ status, body: text, isProven });
      });
    });
    sent.once('error', reject);
    // without a listener, Node closes the connection, and the promise would never settle
    sent.once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the server switched to another protocol'));
    });
    sent.end(body);
  });
}
