import type { JsonWebKey } from 'node:crypto';
import { discover, leadsToOtherHost, nodeRequest, readBytes, urlProblem, type Answer } from '@tokenward/core/store';
import { isObject } from '../lib/is-object.js';
import { isNestedTooDeep } from '../lib/nesting.js';

const TIMEOUT_SECONDS = 5;
const MAX_BYTES = 512 * 1024;
const NO_HOSTS: ReadonlySet<string> = new Set();

/**
 * Fetches the public keys of an issuer, to try them as secrets. It follows no redirect, and sends nothing but GET requests.
 *
 * @throws Error if the keys cannot be fetched
 */
export async function fetchPublicKeys(issuer: string): Promise<readonly JsonWebKey[]> {
  const signal = AbortSignal.timeout(2 * TIMEOUT_SECONDS * 1000);
  const limits = { transport: nodeRequest, maxBytes: MAX_BYTES, timeoutSeconds: TIMEOUT_SECONDS };
  const { document } = await discover({ issuer, unsafeHttpHosts: NO_HOSTS }, limits, signal);
  const jwksUri = document['jwks_uri'];
  if (typeof jwksUri !== 'string' || urlProblem(jwksUri) !== undefined) throw new Error('the metadata names no address of keys');
  const answer: Answer = await nodeRequest(jwksUri, signal, leadsToOtherHost(jwksUri, { issuer }), TIMEOUT_SECONDS * 1000);
  if (answer.status !== 200) {
    answer.discard();
    throw new Error(`the keys answered with status ${answer.status}`);
  }
  const { keys } = JSON.parse((await readBytes(answer, MAX_BYTES)).toString('utf8')) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('the document is not a key set');
  return keys.filter((key): key is JsonWebKey => isObject(key) && !isNestedTooDeep(key));
}
