import { isNumericDate, type StoredSession } from '@tokenward/core/store';
import type { Reply } from './connection.js';

const LABEL = /^[\w-]{1,128}$/;
const MAX_LABELS = 8;

/** Reads the reply of the scripts `READ` and `REMOVE`. Whatever is no session that this package wrote is none: whoever can write to Redis may have put it there. */
export function storedSessionOf(key: string, reply: Reply): StoredSession | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [sealed, version, until, labels, issuedAt] = reply as readonly Reply[];
  if (typeof sealed !== 'string' || typeof version !== 'string' || typeof until !== 'string' || typeof labels !== 'string' || typeof issuedAt !== 'string')
    return undefined;
  const session = { key, sealed, version: Number(version), until: Number(until), issuedAt: Number(issuedAt), labels: labels === '' ? [] : labels.split(' ') };
  const isValid =
    Number.isSafeInteger(session.version) &&
    isNumericDate(session.until) &&
    isNumericDate(session.issuedAt) &&
    session.labels.length <= MAX_LABELS &&
    session.labels.every((label) => LABEL.test(label));
  return isValid ? session : undefined;
}

/** Reads the reply of the script `REMOVE_LABELLED`. */
export function storedSessionsOf(reply: Reply): readonly StoredSession[] {
  if (!Array.isArray(reply)) return [];
  return (reply as readonly Reply[]).flatMap((one) => {
    const [key, members] = Array.isArray(one) ? (one as readonly Reply[]) : [];
    return (typeof key === 'string' && members !== undefined && storedSessionOf(key, members)) || [];
  });
}
