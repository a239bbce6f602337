import { misuse } from '../lib/configuration-error.js';
import { shapeOf } from '../lib/shape-of.js';
import { isThenable } from '../lib/thenable.js';
import type { Auth } from './auth.js';

/** @throws ConfigurationError if a value is not an `Auth`, for example because `check` refused or its promise was not awaited */
export function assertAuth(auth: unknown): void {
  if (isObject(auth) && isObject((auth as Partial<Auth>).claims)) return assertMembers(auth as Partial<Auth>);
  if (isThenable(auth)) throw misuse('permit(auth, policy)', 'auth is a promise. Await it first');
  throw misuse('permit(auth, policy)', `auth must be the auth of a decision that allows (got ${shapeOf(auth)})`);
}

/**
 * Only an `Auth` that an app made can have other members than these. `includes` of a text would find a part of a name, so that `orders:readonly` would count as
 * `orders:read`.
 */
function assertMembers({ scopes, roles }: Partial<Auth>): void {
  assertList('scopes', scopes);
  assertList('roles', roles);
}

function assertList(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw misuse(`permit(auth, policy): auth.${name}`, `must be a list of names (got ${shapeOf(value)})`);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
