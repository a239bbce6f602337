import { misuse } from '../lib/configuration-error.js';
import type { Auth } from '../auth/auth.js';
import type { AppClaims } from '../auth/app-claims.js';
import { createMemory, type Memory } from '../lib/private-slot.js';
import type { PassedPolicies } from '../policy/passed-policies.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/** Everything that adapters store about a request, in one place: adding a slot to a request costs as much as the rest of a guard. */
export interface RequestMark {
  isAdmitted: boolean;
  auth: Auth | undefined;
  /** The request as each guard sees it. */
  seen: Seen | undefined;
}

/** A request as one guard sees it. */
export interface Seen {
  readonly by: object;
  readonly view: ProtectedRequest;
  /** The mark that contains this object: to find it again on the request would cost more. */
  readonly mark: RequestMark;
  isAdmitted: boolean;
  auth: Auth | undefined;
  /** The policies by which the guard admitted it. */
  passed: PassedPolicies | undefined;
  /** The request as another guard sees it. */
  readonly next: Seen | undefined;
}

const MARKS = Symbol.for('tokenward.requestMarks');

/** Shared by all copies of this package: a guard may come from the ES module, and `getAuth` from the CommonJS one. */
export const marks = sharedMarks();

function sharedMarks(): Memory<object, RequestMark> {
  const shared = globalThis as { [MARKS]?: Memory<object, RequestMark> };
  if (!shared[MARKS]) Object.defineProperty(shared, MARKS, { value: Object.freeze(createMemory<object, RequestMark>()) });
  return shared[MARKS]!;
}

/** Returns the mark of a request, and adds one if there is none. */
export function markOf(request: object): RequestMark {
  return marks.getOrMake(request, noMark);
}

function noMark(): RequestMark {
  return { isAdmitted: false, auth: undefined, seen: undefined };
}

/**
 * Returns the `Auth` that the last guard to check the request found. A copy of the request, or an object that inherits from it, is another request.
 *
 * @param optional `'optional'` returns undefined if the request was admitted without authentication
 * @param isPublic says whether the app declares the request's route public, so that no guard is expected there
 * @throws ConfigurationError if no guard has admitted the request, or, without `'optional'`, if it was admitted without authentication
 */
export function authOf<C extends object = AppClaims>(request: object): Auth<C>;
export function authOf<C extends object = AppClaims>(request: object, optional: 'optional' | undefined, isPublic?: IsPublic): Auth<C> | undefined;
export function authOf(request: object, optional?: 'optional', isPublic?: IsPublic): Auth | undefined {
  const mark = marks.get(request);
  // a request without a decision must not look anonymous, so that a forgotten guard is noticed
  if (!mark?.isAdmitted && !isPublic?.(request)) throw misuse('getAuth()', 'no guard has authenticated this request. Put one before this handler');
  return requireAuth(mark?.auth, optional);
}

type IsPublic = (request: object) => boolean;

/**
 * Returns the `Auth` that a guard found, or undefined if there is none and the caller said `'optional'`.
 *
 * @throws ConfigurationError if there is none and the caller did not say `'optional'`
 */
export function requireAuth(auth: Auth | undefined, optional: 'optional' | undefined, name = 'getAuth'): Auth | undefined {
  if (auth || optional === 'optional') return auth;
  throw misuse(`${name}()`, `nobody is authenticated: this route does not require an access token. Write ${name}(..., 'optional'), which may return undefined`);
}
