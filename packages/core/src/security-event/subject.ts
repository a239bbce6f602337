import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import { isName } from './issued-jws.js';

/** The subject of a security event, by the names in access tokens. */
export interface EventSubject {
  readonly subject?: string;
  readonly sessionId?: string;
}

const MAX_ALIASES = 20;

/**
 * Reads a subject identifier (RFC 9493, and the complex ones of OpenID SSF 1.0 s3). Only a subject or session of the same issuer is accepted: an e-mail
 * address or a phone number may belong to somebody else tomorrow.
 *
 * @returns undefined if it contains no subject or session in a form that access tokens use
 */
export function readEventSubject(identifier: unknown, issuer: string): EventSubject | undefined {
  if (!isJsonObject(identifier)) return undefined;
  const format = own(identifier, 'format');
  if (format === 'aliases') {
    const aliases = own(identifier, 'identifiers');
    if (!Array.isArray(aliases) || aliases.length > MAX_ALIASES) return undefined;
    for (const alias of aliases) {
      // RFC 9493 s3.2.8: aliases are not nested
      const found = isJsonObject(alias) && own(alias, 'format') !== 'aliases' ? readEventSubject(alias, issuer) : undefined;
      if (found) return found;
    }
    return undefined;
  }
  if (format === 'complex' || ((format === undefined || format === null) && isComplex(identifier))) {
    const subject = nameIn(own(identifier, 'user'), issuer);
    const sessionId = nameIn(own(identifier, 'session'), issuer);
    return subject === undefined && sessionId === undefined
      ? undefined
      : { ...(subject !== undefined && { subject }), ...(sessionId !== undefined && { sessionId }) };
  }
  const subject = nameIn(identifier, issuer);
  return subject === undefined ? undefined : { subject };
}

function isComplex(identifier: JsonObject): boolean {
  return [own(identifier, 'user'), own(identifier, 'session')].some((member) => member !== undefined && member !== null);
}

/** Reads the formats `iss_sub` (RFC 9493 s3.2.3) and `opaque` (s3.2.4). */
function nameIn(identifier: unknown, issuer: string): string | undefined {
  if (!isJsonObject(identifier)) return undefined;
  const format = own(identifier, 'format');
  const name =
    format === 'iss_sub' ? (own(identifier, 'iss') === issuer ? own(identifier, 'sub') : undefined) : format === 'opaque' ? own(identifier, 'id') : undefined;
  return isName(name) ? name : undefined;
}
