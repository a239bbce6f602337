import type { SessionState } from '../session-state.js';

/** The members of a session's text, in the order in which they are written. Short, since each takes room in the cookie. */
const NAMES = {
  id: 'i',
  version: 'v',
  issuer: 'o',
  subject: 's',
  issuerSessionId: 'd',
  issuedAt: 't',
  accessToken: 'a',
  accessTokenEndsAt: 'e',
  refreshAt: 'f',
  scopes: 'c',
  refreshToken: 'r',
  idToken: 'h',
  startedAt: 'b',
  usedAt: 'u',
  issuerEndsAt: 'y',
  endsAt: 'x',
} as const satisfies Record<keyof SessionState, string>;

const SESSION_ID = /^[\w-]{43}$/;

/**
 * Returns the text of a session. It is not compressed: the length of a compressed text tells what its parts have in common, so whoever chooses one part, such as
 * the subject's name, and sees the length of the cookie could guess a token (CRIME, BREACH). Tokens are random or base64url, and gain little by it.
 */
export function textOf({ scopes, ...state }: SessionState): string {
  const values: Readonly<Record<keyof SessionState, string | number | undefined>> = { ...state, scopes: scopes.join(' ') };
  return JSON.stringify(Object.fromEntries(Object.entries(NAMES).map(([name, short]) => [short, values[name as keyof SessionState]])));
}

/** Reads the text of a session; undefined if it is not a session, or was written by another version of this package. */
export function stateOf(text: string): SessionState | undefined {
  const members = membersOf(text);
  if (!members) return undefined;

  // only own members: a polluted prototype must not add a token
  const own = (name: keyof SessionState): unknown => (Object.hasOwn(members, NAMES[name]) ? members[NAMES[name]] : undefined);
  const string = (name: keyof SessionState): string => checked(own(name), isText);
  const optional = (name: keyof SessionState): string | undefined => (own(name) === undefined ? undefined : string(name));
  const number = (name: keyof SessionState): number => checked(own(name), Number.isFinite);

  try {
    return {
      id: checked(own('id'), (id) => isText(id) && SESSION_ID.test(id)),
      version: checked(own('version'), (version) => Number.isSafeInteger(version) && (version as number) > 0),
      issuer: string('issuer'),
      subject: string('subject'),
      issuerSessionId: optional('issuerSessionId'),
      issuedAt: number('issuedAt'),
      accessToken: string('accessToken'),
      accessTokenEndsAt: number('accessTokenEndsAt'),
      refreshAt: number('refreshAt'),
      scopes: checked<string>(own('scopes'), (scopes) => typeof scopes === 'string')
        .split(' ')
        .filter((scope) => scope !== ''),
      refreshToken: optional('refreshToken'),
      idToken: optional('idToken'),
      startedAt: number('startedAt'),
      usedAt: number('usedAt'),
      issuerEndsAt: own('issuerEndsAt') === undefined ? undefined : number('issuerEndsAt'),
      endsAt: number('endsAt'),
    };
  } catch {
    return undefined;
  }
}

/** Returns the members of a JSON object; undefined for any other text. */
export function membersOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function checked<V>(value: unknown, holds: (value: unknown) => boolean): V {
  if (!holds(value)) throw new TypeError('the text is not that of a session');
  return value as V;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
