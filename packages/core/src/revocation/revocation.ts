import { REVOCATION_REASONS, type RevocationKind, type RevocationReason } from '../vocabulary/revocation-words.js';
import { isNumericDate, LAST_DATE } from '../lib/numeric-date.js';
import { misuse } from '../lib/configuration-error.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { shown, shownName } from '../lib/shown-option.js';

/** Forbids these members of a target. */
type No<N extends string> = { readonly [Name in N]?: never };

/**
 * The tokens to revoke: the one with this `jti`, those of this session (`sid`), subject (`sub`) or client (`client_id`), or all tokens of an issuer.
 *
 * A name belongs to one issuer, so a guard with several issuers needs `issuer` too. A name that is undefined throws. Otherwise a token
 * without the claim would lead to a revocation of more tokens than was meant.
 */
export type RevocationTarget =
  | ({ readonly tokenId: string | undefined; readonly issuer?: string | undefined } & No<'sessionId' | 'subject' | 'clientId'>)
  | ({ readonly sessionId: string | undefined; readonly subject?: string | undefined; readonly issuer?: string | undefined } & No<'tokenId' | 'clientId'>)
  | ({ readonly subject: string | undefined; readonly issuer?: string | undefined } & No<'tokenId' | 'sessionId' | 'clientId'>)
  | ({ readonly clientId: string | undefined; readonly issuer?: string | undefined } & No<'tokenId' | 'sessionId' | 'subject'>)
  | ({ readonly issuer: string } & No<'tokenId' | 'sessionId' | 'subject' | 'clientId'>);

export interface RevocationOptions {
  /** Default: `unspecified`. */
  readonly reason?: RevocationReason | undefined;
  /**
   * When the last revoked token expires, in seconds since the epoch. For a single token, that is its `exp`. A time that has just passed counts as now. The
   * revocation is removed at that time plus the issuer's clock skew. Default: it is removed after `retentionSeconds`. From then on, all tokens of the
   * issuer that were issued up to the revocation are refused.
   */
  readonly until?: number | undefined;
  /**
   * When the event happened by the issuer's clock, in seconds since the epoch. Tokens issued up to that second are revoked, and none issued later. Default:
   * now by this machine's clock. Because the issuer's clock may be ahead, tokens issued within `clockSkewSeconds` after that are then revoked too. It has no
   * effect with `tokenId`.
   */
  readonly at?: number | undefined;
}

/** One revocation as stores keep it: plain data, ready for JSON. It contains names from tokens, so keep it out of logs. */
export interface RevocationRecord {
  readonly kind: RevocationKind;
  readonly issuer: string;
  /** The `jti`, `sid`, `sub` or client; empty for the kind `issuer`. */
  readonly value: string;
  /** It covers tokens with an `iat` up to this, in seconds since the epoch. The kind `token` covers its token whatever the `iat`. */
  readonly issuedUntil: number;
  /** When it may be removed, in seconds since the epoch. */
  readonly until: number;
  /** Whether the caller set `until`. If so, every token that the record covers has expired by then. */
  readonly isFinal: boolean;
  readonly reason: RevocationReason;
}

/** The values of an Auth that revocations refer to. */
export interface RevocableToken {
  readonly issuer: string;
  readonly tokenId: string | undefined;
  readonly sessionId: string | undefined;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  /** `iat`, in seconds since the epoch. If the token has none, every revocation of its names covers it. */
  readonly issuedAt: number | undefined;
}

/** How long revocations are kept, and how far the issuer's clock may be ahead. */
export interface RevocationRules {
  readonly retentionSeconds: number;
  readonly clockSkewSeconds: number;
}

/** The issuer whose tokens are revoked. */
export interface RevokedIssuer {
  readonly issuer: string;
  /** The skew that the guard allows: tokens are accepted with an `iat` this far in the future, and this long after their `exp`. */
  readonly clockSkewSeconds: number;
}

const REVOKE = 'revoke()';
const TARGET_NAMES = ['tokenId', 'sessionId', 'subject', 'clientId', 'issuer'] as const;
const OPTION_NAMES: readonly string[] = ['reason', 'until', 'at'];
/** More than any clock skew that the options allow. */
const MAX_PAST_SECONDS = 3600;
export const MAX_NAME_LENGTH = 2048;

/**
 * Reads the arguments of `revoke`.
 *
 * @param issuer the guard's only issuer, for targets that name none
 * @throws ConfigurationError if an argument is invalid
 */
export function readRevocation(target: RevocationTarget, options: RevocationOptions, issuer: string | undefined, nowSeconds: number): Revocation {
  return { ...readTarget(target, issuer), ...readOptions(options, nowSeconds) };
}

export type Revocation = Names & { readonly reason: RevocationReason; readonly until?: number; readonly at?: number };

/** Returns the records of a revocation. */
export function recordsOf(revocation: Revocation, issuer: RevokedIssuer, rules: RevocationRules, nowSeconds: number): readonly RevocationRecord[] {
  const { tokenId, sessionId, subject, clientId, reason, until, at } = revocation;
  const now = Math.floor(nowSeconds);
  // a token issued later would not be accepted now
  const latest = now + issuer.clockSkewSeconds;
  // if this clock is behind the issuer's, a token issued before the revocation may have a later `iat`
  const issuedUntil = tokenId !== undefined ? latest : Math.min(at === undefined ? now + rules.clockSkewSeconds : Math.floor(at), latest);
  const common = {
    issuer: revocation.issuer,
    issuedUntil,
    until: endOf(until, issuedUntil, issuer, rules, nowSeconds),
    isFinal: until !== undefined,
    reason,
  };
  if (tokenId !== undefined) return [{ kind: 'token', value: tokenId, ...common }];
  if (sessionId !== undefined) {
    const session: RevocationRecord = { kind: 'session', value: sessionId, ...common };
    // a token without `sid` may belong to any of the subject's sessions
    return subject === undefined ? [session] : [session, { kind: 'sessionless', value: subject, ...common }];
  }
  if (subject !== undefined) return [{ kind: 'subject', value: subject, ...common }];
  if (clientId !== undefined) return [{ kind: 'client', value: clientId, ...common }];
  return [{ kind: 'issuer', value: '', ...common }];
}

/** An `until` that has just passed counts as now, because the token may still be accepted within the skew, or by a process whose clock is behind. */
function endOf(until: number | undefined, issuedUntil: number, issuer: RevokedIssuer, rules: RevocationRules, nowSeconds: number): number {
  const end = until === undefined ? Math.max(issuedUntil, Math.floor(nowSeconds)) + rules.retentionSeconds : Math.max(until, Math.ceil(nowSeconds));
  // a later one is not a valid date, and stores refuse it
  return Math.min(end + issuer.clockSkewSeconds, LAST_DATE);
}

type Names = { readonly [N in (typeof TARGET_NAMES)[number]]?: string } & { readonly issuer: string };

function readTarget(target: RevocationTarget, issuer: string | undefined): Names {
  if (typeof target !== 'object' || target === null) throw misuse(REVOKE, `target must be an object such as { sessionId: '...' } (got ${shown(target)})`);
  const names: Partial<Record<(typeof TARGET_NAMES)[number], string>> = {};
  for (const name of Object.keys(target)) {
    const value = (target as Record<string, unknown>)[name];
    if (value === undefined && (name === 'issuer' || (name === 'subject' && target.sessionId !== undefined))) continue;
    if (!(TARGET_NAMES as readonly string[]).includes(name))
      throw misuse(REVOKE, `has the unknown member ${shownName(name)}${didYouMean(name, TARGET_NAMES)}. Known members: ${TARGET_NAMES.join(', ')}`);
    if (value === undefined)
      throw misuse(REVOKE, `${name} is undefined: the token has no such claim. Check that first, and revoke by another name, such as the subject`);
    // the message shows only its length, because it is somebody's name
    if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH)
      throw misuse(REVOKE, `${name} must be a non-empty string of at most ${MAX_NAME_LENGTH} characters (got ${shown(value)})`);
    names[name as keyof Names] = value;
  }
  const given = TARGET_NAMES.filter((name) => name !== 'issuer' && names[name] !== undefined);
  const isSession = given.length === 2 && names.sessionId !== undefined && names.subject !== undefined;
  if (given.length > 1 && !isSession) throw misuse(REVOKE, `cannot combine ${given.join(' and ')}. Set only one of them, or sessionId with its subject`);
  if (given.length === 0 && names.issuer === undefined) throw misuse(REVOKE, `names nothing to revoke. Set one of ${TARGET_NAMES.join(', ')}`);
  const owner = names.issuer ?? issuer;
  if (owner === undefined) throw misuse(REVOKE, 'names no issuer, but this guard has several. Set issuer');
  return { ...names, issuer: owner };
}

function readOptions(
  { reason = 'unspecified', until, at, ...rest }: RevocationOptions,
  nowSeconds: number,
): { reason: RevocationReason; until?: number; at?: number } {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw misuse(REVOKE, `has the unknown option ${shownName(unknown)}${didYouMean(unknown, OPTION_NAMES)}. Known options: ${OPTION_NAMES.join(', ')}`);
  if (!REVOCATION_REASONS.includes(reason))
    throw misuse(REVOKE, `reason must be one of ${REVOCATION_REASONS.join(', ')} (got ${shown(reason, REVOCATION_REASONS)})`);
  for (const [name, seconds] of [
    ['until', until],
    ['at', at],
  ] as const) {
    if (seconds !== undefined && !isNumericDate(seconds))
      throw misuse(REVOKE, `${name} must be a number of seconds since the epoch (got ${shown(seconds, 'number')})`);
  }
  // the clock skew keeps a token valid for a while after its `exp`. A time further in the past is a mistake, or in another unit
  if (until !== undefined && until <= nowSeconds - MAX_PAST_SECONDS)
    throw misuse(REVOKE, `until must be the time at which the last revoked token expires, in seconds since the epoch (got ${until}, which is long past)`);
  return { reason, ...(until !== undefined && { until }), ...(at !== undefined && { at }) };
}
