import { misuse } from '../lib/configuration-error.js';
import { isNumericDate } from '../lib/numeric-date.js';
import type { StoredSession } from './session-store.js';

const MAX_SEALED_LENGTH = 65_536;
const MAX_LABELS = 8;

/**
 * Checks a session before a store keeps it.
 *
 * @throws ConfigurationError if `@tokenward/browser-session` would not write it
 */
export function checkStoredSession({ key, sealed, version, until, issuedAt, labels }: StoredSession): void {
  const isValid =
    isHash(key) &&
    typeof sealed === 'string' &&
    sealed.length <= MAX_SEALED_LENGTH &&
    Number.isSafeInteger(version) &&
    isNumericDate(until) &&
    isNumericDate(issuedAt) &&
    Array.isArray(labels) &&
    labels.length <= MAX_LABELS &&
    labels.every(isHash);
  if (!isValid) throw misuse('session', `must be a StoredSession with times in seconds, and at most ${MAX_SEALED_LENGTH} characters and ${MAX_LABELS} labels`);
}

/** Whether a text may be a hash in base64url. */
function isHash(text: unknown): boolean {
  return typeof text === 'string' && /^[\w-]{1,128}$/.test(text);
}
