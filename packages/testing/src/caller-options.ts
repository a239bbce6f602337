import { didYouMean, misuse } from '@tokenward/core/adapter';

/** Whom a token is for and what it grants: the words of every test tool. */
export interface CallerOptions {
  /** `sub`. */
  readonly subject?: string | undefined;
  /** What the token grants: `['orders:read']`. */
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  /** The client that the token was issued to. */
  readonly clientId?: string | undefined;
  /** `aud`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Seconds until the token expires. A negative number: it has expired. */
  readonly lifetimeSeconds?: number | undefined;
  /** Claims to add or replace. `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export const CALLER_OPTIONS: readonly (keyof CallerOptions)[] = ['subject', 'scopes', 'roles', 'clientId', 'audience', 'lifetimeSeconds', 'claims'];

/**
 * Checks the options of a test tool. A member that nobody reads would be a test of something else.
 *
 * @param where the call, for the message
 * @throws ConfigurationError for an unknown member, and for scopes or roles that are no list
 */
export function assertOptions(where: string, wanted: object, known: readonly string[]): void {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted))
    throw misuse(where, `takes an object such as { subject: 'ada', scopes: ['orders:read'] }`);
  for (const [name, value] of Object.entries(wanted)) {
    if (name === 'scope' && known.includes('scopes')) throw misuse(where, `has scope. Write scopes, as a list: scopes: ['orders:read', 'orders:write']`);
    if (!known.includes(name)) throw misuse(where, `has ${name}, which it does not know${didYouMean(name, known)} (members: ${known.join(', ')})`);
    if ((name === 'scopes' || name === 'roles') && value !== undefined) assertNames(where, name, value);
  }
}

function assertNames(where: string, member: 'scopes' | 'roles', value: unknown): void {
  const isList = Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '' && (member === 'roles' || !/\s/.test(name)));
  if (!isList) throw misuse(where, `has ${member} that are not a list of names. Write ${member}: ['${member === 'scopes' ? 'orders:read' : 'admin'}']`);
}
