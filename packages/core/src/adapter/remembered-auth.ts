import { misuse } from '../lib/configuration-error.js';
import type { Auth } from '../auth/auth.js';
import type { Claims } from '../auth/claims.js';
import { createMemory, type Memory } from '../lib/private-slot.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/** All that adapters remember of a framework's request, in one place: to make room on a request costs as much as the rest of a guard. */
export interface RequestMark {
  isAdmitted: boolean;
  auth: Auth | undefined;
  /** The request as each guard sees it. */
  seen: Seen | undefined;
}

export interface Seen {
  readonly by: object;
  readonly view: ProtectedRequest;
  /** As another guard sees it. */
  readonly next: Seen | undefined;
}

const MARKS = Symbol.for('tokenward.requestMarks');

/** One for all copies of this package: a guard may come from the ES module and `getAuth` from the CommonJS one. */
const marks = sharedMarks();

function sharedMarks(): Memory<object, RequestMark> {
  const shared = globalThis as { [MARKS]?: Memory<object, RequestMark> };
  if (!shared[MARKS]) Object.defineProperty(shared, MARKS, { value: Object.freeze(createMemory<object, RequestMark>()) });
  return shared[MARKS]!;
}

/** Returns what is remembered of a request, and makes room for it where nothing is. */
export function markOf(request: object): RequestMark {
  return marks.getOrMake(request, noMark);
}

function noMark(): RequestMark {
  return { isAdmitted: false, auth: undefined, seen: undefined };
}

/** Has {@link authOf} say whom a request is from. */
export function rememberAuth(request: object, auth: Auth | undefined): void {
  const mark = markOf(request);
  mark.isAdmitted = true;
  mark.auth = auth;
}

/**
 * Whom the last guard on a request's way found it to be from; undefined where credentials were optional and absent. A copy of the request, or a child,
 * is another one.
 *
 * @throws ConfigurationError where no guard admitted the request
 */
export function authOf<C extends object = Claims>(request: object): Auth<C> | undefined {
  const mark = marks.get(request);
  if (!mark?.isAdmitted) throw misuse('getAuth()', 'no guard has authenticated this request. Put one before this handler');
  return mark.auth as Auth<C> | undefined;
}
