import { misuse } from '../lib/configuration-error.js';
import { shapeOf } from '../lib/shape-of.js';
import { isThenable } from '../lib/thenable.js';

/** @throws ConfigurationError if a value is no `Auth`, because `check` refused or its promise was not awaited, for example */
export function assertAuth(auth: unknown): void {
  if (typeof auth === 'object' && auth !== null && typeof (auth as { claims?: unknown }).claims === 'object') return;
  if (isThenable(auth)) throw misuse('permit(auth, policy)', 'auth is a promise. Await it first');
  throw misuse('permit(auth, policy)', `auth must be the auth of a decision that allows (got ${shapeOf(auth)})`);
}
