import { misuse } from '../lib/configuration-error.js';
import type { Auth } from '../auth/auth.js';
import type { Claims } from '../auth/claims.js';

const AUTH = Symbol.for('tokenward.auth');

interface Remembered {
  [AUTH]?: { readonly auth: Auth | undefined };
}

/** Has {@link authOf} say whom a request is from. */
export function rememberAuth(request: object, auth: Auth | undefined): void {
  Reflect.defineProperty(request, AUTH, { value: { auth }, configurable: true });
}

/**
 * Whom the last guard on a request's way found it to be from; undefined where credentials were optional and absent.
 *
 * @throws ConfigurationError where no guard admitted the request
 */
export function authOf<C extends object = Claims>(request: object): Auth<C> | undefined {
  const known = remembered(request);
  if (!known) throw misuse('getAuth()', 'no guard has authenticated this request. Put one before this handler');
  return known.auth as Auth<C> | undefined;
}

/** On the request itself: a copy or a child of it is another one. */
function remembered(request: object): Remembered[typeof AUTH] {
  return Object.hasOwn(request, AUTH) ? (request as Remembered)[AUTH] : undefined;
}
