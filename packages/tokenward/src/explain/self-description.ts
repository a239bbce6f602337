import { explanationOf, readUntrusted, shownFound, type Explanation } from '@tokenward/core/diagnosis';
import { printable } from '@tokenward/core/store';

/** What a token says about itself, as lines of name and value. Nobody has verified any of it. */
export interface SelfDescription {
  readonly form: 'signed' | 'encrypted' | 'opaque' | 'unreadable';
  /** Rows for people: the values are shortened, printable, and never the token or its subject. */
  readonly rows: readonly (readonly [name: string, value: string])[];
  /** What is wrong with it, as far as that can be seen without trust. */
  readonly problems: readonly Explanation[];
  readonly issuer: string | undefined;
  /** Whether it names a key or a certificate of its sender (RFC 7800). */
  readonly isBound: boolean;
}

/** @param nowMs the moment to compare dates with */
export function describeItself(token: string, nowMs: number): SelfDescription {
  const { form, header, claims, otherKind } = readUntrusted(token);
  const issuer = typeof claims?.['iss'] === 'string' ? printable(claims['iss']) : undefined;
  const isBound = claims?.['cnf'] !== undefined && claims['cnf'] !== null;
  const rows: [string, string][] = [];
  const row = (name: string, value: string | undefined): void => void (value !== undefined && rows.push([name, value]));
  row('form', FORMS[form]);
  if (header) {
    row('alg', text(header['alg']));
    if (form === 'encrypted') row('enc', text(header['enc']));
    row('typ', text(header['typ']));
    row('kid', text(header['kid']));
  }
  if (claims) {
    row('iss', text(claims['iss']));
    row('aud', text(claims['aud']) ?? 'none');
    row('exp', date(claims['exp'], nowMs) ?? 'none');
    row('iat', date(claims['iat'], nowMs) ?? 'none');
    row('nbf', date(claims['nbf'], nowMs));
    row('client', text(claims['client_id'] ?? claims['azp'] ?? claims['appid'] ?? claims['cid']));
    row('scopes', text(claims['scope'] ?? claims['scp']));
    row('roles', text(claims['roles']));
    row('subject', claims['sub'] === undefined || claims['sub'] === null ? 'none' : 'present, and not shown');
    if (isBound) row('cnf', 'present: it is bound to a key or a certificate of its sender');
    const others = Object.keys(claims).filter((name) => !SHOWN.has(name));
    if (others.length > 0) row('other claims', names(others));
  }
  return { form, rows, issuer, isBound, problems: problemsOf(form, { header, claims, otherKind }, nowMs) };
}

const FORMS = {
  signed: 'a JWT with three segments',
  encrypted: 'an encrypted JWT (JWE) with five segments',
  opaque: 'opaque: only its issuer can read it',
  unreadable: 'it has the segments of a JWT, but they are not one',
} as const;

const SHOWN = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'client_id', 'azp', 'appid', 'cid', 'scope', 'scp', 'roles', 'sub', 'cnf']);
const MAX_NAMES = 30;

function problemsOf(
  form: SelfDescription['form'],
  { header, claims, otherKind }: Partial<ReturnType<typeof readUntrusted>>,
  nowMs: number,
): readonly Explanation[] {
  if (form === 'opaque') return [explanationOf('malformed_token', { cause: 'it has no three segments, so it is probably an opaque token' })];
  if (form === 'encrypted') return [explanationOf('encrypted_token', {})];
  if (form === 'unreadable') return [explanationOf('malformed_token', { cause: 'its segments are not a base64url-encoded JWT' })];
  const problems: Explanation[] = [];
  const alg = header?.['alg'];
  if (alg === 'none') problems.push(explanationOf('algorithm_not_allowed', { found: 'none' }));
  if (otherKind?.where === 'header') problems.push(explanationOf('wrong_type', { expected: ['at+jwt', 'JWT'], found: header?.['typ'] }));
  if (otherKind?.where === 'claim') problems.push(explanationOf('not_an_access_token', { cause: otherKind.name }));
  const { exp, nbf, iat } = claims ?? {};
  const now = nowMs / 1000;
  if (typeof exp === 'number' && exp <= now)
    problems.push(explanationOf('expired', { cause: `exp, ${Math.floor(now - exp)} s ago`, expected: now, found: exp }));
  if (typeof nbf === 'number' && nbf > now)
    problems.push(explanationOf('not_yet_valid', { cause: `nbf, in ${Math.floor(nbf - now)} s`, expected: now, found: nbf }));
  else if (typeof iat === 'number' && iat > now + 30) {
    problems.push(explanationOf('issued_in_the_future', { cause: `iat, in ${Math.floor(iat - now)} s`, expected: now, found: iat }));
  }
  if (exp === undefined || exp === null) problems.push(explanationOf('missing_claim', { cause: 'exp' }));
  return problems;
}

/** Core's form of values, without the name: the same bounds and the same characters as in explanations. */
function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : shownFound('missing_claim', value);
}

function date(value: unknown, nowMs: number): string | undefined {
  if (typeof value !== 'number') return text(value);
  const shown = shownFound('expired', value)!.replace(/^exp /, '');
  const seconds = Math.round(value - nowMs / 1000);
  return `${shown} (${seconds < 0 ? `${duration(-seconds)} ago` : `in ${duration(seconds)}`})`;
}

function duration(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const;
  const [name, size] = units.find(([, of]) => seconds >= of) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${name}`;
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, MAX_NAMES).map((name) => printable(name, 60));
  return list.length > MAX_NAMES ? `${shown.join(', ')} and ${list.length - MAX_NAMES} more` : shown.join(', ');
}
