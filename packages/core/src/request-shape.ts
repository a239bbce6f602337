import { misuse } from './configuration-error.js';
import { notAnOption } from './option-reader.js';
import { assertPolicy, isPolicy } from './policy.js';
import type { ProtectedRequest } from './request/protected-request.js';
import type { Access } from './resource-guard.js';
import { shownName } from './shown-option.js';
import { isThenable } from './thenable.js';

/**
 * Says what is wrong with a request that a guard was given: headers in another shape would hold no credentials that anybody sees, and whoever sent
 * some would be told that there are none.
 *
 * @throws ConfigurationError
 */
export function assertRequest(request: ProtectedRequest): void {
  if (typeof request !== 'object' || request === null) throw misuse('request', `is ${shapeOf(request)}, not { method, target, headers }`);
  const { method, target, headers } = request as Partial<ProtectedRequest>;
  if (typeof headers !== 'object' || headers === null)
    throw misuse('request.headers', `is ${shapeOf(headers)}: give the request's header fields, { name: value }`);
  if (Array.isArray(headers)) throw misuse('request.headers', 'is a list: give an object, { name: value }, such as request.headers of node:http');
  if (typeof headers['get'] === 'function') throw misuse('request.headers', 'is a Headers object: give Object.fromEntries(request.headers)');
  if (typeof method !== 'string') throw misuse('request.method', `is ${shapeOf(method)}: give the HTTP method`);
  if (typeof target !== 'string') throw misuse('request.target', `is ${shapeOf(target)}: give the path and query as they were sent, such as request.url`);
}

const ACCESS_NAMES: readonly string[] = ['policy', 'credentials', 'preflight'] satisfies (keyof Access)[];

/**
 * Says what is wrong with what a guard is asked beside the request: a policy that stands in the wrong place would demand nothing.
 *
 * @throws ConfigurationError
 */
export function assertAccess(access: Access): void {
  if (typeof access !== 'object' || access === null) throw misuse('access', `is ${shapeOf(access)}: ${WRITE}`);
  if (access.policy !== undefined) return assertPolicy('access.policy', access.policy);
  if (Array.isArray(access)) throw misuse('access', `is a list itself: ${WRITE}`);
  // beside a policy, what has another name could demand no more than it does; a loop, since this is asked at every request
  for (const name in access) {
    if (name === 'policy' || name === 'credentials' || name === 'preflight' || !Object.hasOwn(access, name)) continue;
    throw isPolicy(access) ? misuse('access', `is a policy itself: ${WRITE}`) : misuse(`access.${shownName(name)}`, notAnOption(name, ACCESS_NAMES));
  }
}

const WRITE = "write { policy: scope('orders:read') }";

/** @throws ConfigurationError where somebody is asked for who is nobody, as where `check` refused, or its promise was not awaited */
export function assertAuth(auth: unknown): void {
  if (typeof auth === 'object' && auth !== null && typeof (auth as { claims?: unknown }).claims === 'object') return;
  const given = isThenable(auth) ? 'a promise: await it first' : `${shapeOf(auth)}, not the auth of a decision that allows`;
  throw misuse('permit(auth, policy)', `auth is ${given}`);
}

function shapeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
