import { misuse } from '../lib/configuration-error.js';
import { shapeOf } from '../lib/shape-of.js';
import { isThenable } from '../lib/thenable.js';

/** @throws ConfigurationError where somebody is asked for who is nobody, as where `check` refused, or its promise was not awaited */
export function assertAuth(auth: unknown): void {
  if (typeof auth === 'object' && auth !== null && typeof (auth as { claims?: unknown }).claims === 'object') return;
  const given = isThenable(auth) ? 'a promise: await it first' : `${shapeOf(auth)}, not the auth of a decision that allows`;
  throw misuse('permit(auth, policy)', `auth is ${given}`);
}
