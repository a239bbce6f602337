import { REVOCATION_REASONS, type RevocationKind, type RevocationReason } from '../vocabulary/revocation-words.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { misuse } from '../lib/configuration-error.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { shown, shownName } from '../lib/shown-option.js';

/** The names that a target does not have. */
type No<N extends string> = { readonly [Name in N]?: never };

/**
 * Which tokens are to be refused: the one with this `jti`, those of this session (`sid`), subject (`sub`) or client (`client_id`), or all of an
 * issuer. A name means something within its issuer alone, so `issuer` must be said where a guard has several. A name that is undefined, since the token
 * has no such claim, throws: it must not widen what is hit.
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
   * When the last token that it can hit has ended, in seconds since the epoch: a token's own `exp`, say. One that has just passed counts as now. It is
   * forgotten then, and the clock skew that
   * is allowed to the issuer later. Default: after
   * `retentionSeconds`, and tokens that live longer are refused if they may have been hit.
   */
  readonly until?: number | undefined;
  /**
   * When it happened, by the issuer's own clock, in seconds since the epoch: tokens issued up to that second are hit, and none later. Default: now,
   * by this machine's clock, and tokens issued within `clockSkewSeconds` after it are hit as well. For a token by its own name it makes no difference.
   */
  readonly at?: number | undefined;
}

/** One revocation as stores keep it: plain data, for JSON. It holds names from tokens, so it belongs into no log. */
export interface RevocationRecord {
  readonly kind: RevocationKind;
  readonly issuer: string;
  /** The `jti`, `sid`, `sub` or client; empty where the kind is `issuer`. */
  readonly value: string;
  /** Tokens with an `iat` up to this are hit, in seconds since the epoch; of the kind `token` it hits whatever the `iat`. */
  readonly issuedUntil: number;
  /** When it may be forgotten, in seconds since the epoch. */
  readonly until: number;
  /** Whether no token that it can hit outlives `until`, as whoever revoked it said. */
  readonly isFinal: boolean;
  readonly reason: RevocationReason;
}

/** As much of an Auth as says whether it was revoked. */
export interface RevocableToken {
  readonly issuer: string;
  readonly tokenId: string | undefined;
  readonly sessionId: string | undefined;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  /** Seconds since the epoch; undefined where the token does not say: whatever has a moment then hits it. */
  readonly issuedAt: number | undefined;
}

/** How long revocations are kept, and how far clocks may be apart. */
export interface RevocationRules {
  readonly retentionSeconds: number;
  readonly clockSkewSeconds: number;
}

/** What is known of the issuer whose tokens are hit. */
export interface RevokedIssuer {
  readonly issuer: string;
  /** How far in the future a token's `iat` may be to be accepted, and how long after its `exp` it still is. */
  readonly clockSkewSeconds: number;
}

const REVOKE = 'revoke()';
const TARGET_NAMES = ['tokenId', 'sessionId', 'subject', 'clientId', 'issuer'] as const;
const OPTION_NAMES: readonly string[] = ['reason', 'until', 'at'];
/** More than any skew that an issuer may be allowed. */
const LONGEST_PAST_SECONDS = 3600;
export const MAX_NAME_LENGTH = 2048;

/**
 * What a call of `revoke` is about.
 *
 * @param issuer the guard's only one, for targets that name none
 * @throws ConfigurationError that says what is wrong with the call
 */
export function readRevocation(target: RevocationTarget, options: RevocationOptions, issuer: string | undefined, nowSeconds: number): Revocation {
  return { ...readTarget(target, issuer), ...readOptions(options, nowSeconds) };
}

export type Revocation = Names & { readonly reason: RevocationReason; readonly until?: number; readonly at?: number };

/** The records that a revocation stands for. */
export function recordsOf(revocation: Revocation, issuer: RevokedIssuer, rules: RevocationRules, nowSeconds: number): readonly RevocationRecord[] {
  const { tokenId, sessionId, subject, clientId, reason, until, at } = revocation;
  const now = Math.floor(nowSeconds);
  // no token that is accepted now says that it was issued later
  const latest = now + issuer.clockSkewSeconds;
  // ours may be behind the issuer's clock: a token from before would seem to be from after
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
    // of a token that names no session it can't be told which one it is from
    return subject === undefined ? [session] : [session, { kind: 'sessionless', value: subject, ...common }];
  }
  if (subject !== undefined) return [{ kind: 'subject', value: subject, ...common }];
  if (clientId !== undefined) return [{ kind: 'client', value: clientId, ...common }];
  return [{ kind: 'issuer', value: '', ...common }];
}

/** An end that has just passed is now: the token may be within its skew, and by a clock that is a little behind it lives on. */
function endOf(until: number | undefined, issuedUntil: number, issuer: RevokedIssuer, rules: RevocationRules, nowSeconds: number): number {
  if (until === undefined) return Math.max(issuedUntil, Math.floor(nowSeconds)) + rules.retentionSeconds + issuer.clockSkewSeconds;
  return Math.max(until, Math.ceil(nowSeconds)) + issuer.clockSkewSeconds;
}

type Names = { readonly [N in (typeof TARGET_NAMES)[number]]?: string } & { readonly issuer: string };

function readTarget(target: RevocationTarget, issuer: string | undefined): Names {
  if (typeof target !== 'object' || target === null) throw misuse(REVOKE, `is ${shown(target)}: an object is needed, such as { sessionId: '...' }`);
  const names: Partial<Record<(typeof TARGET_NAMES)[number], string>> = {};
  for (const name of Object.keys(target)) {
    const value = (target as Record<string, unknown>)[name];
    if (value === undefined && (name === 'issuer' || (name === 'subject' && target.sessionId !== undefined))) continue;
    if (!(TARGET_NAMES as readonly string[]).includes(name))
      throw misuse(REVOKE, `has the member ${shownName(name)}${didYouMean(name, TARGET_NAMES)}; these are known: ${TARGET_NAMES.join(', ')}`);
    if (value === undefined)
      throw misuse(REVOKE, `${name} is undefined: the token names none. Ask for it first, and revoke by another name, such as the subject`);
    // its value is somebody's name, and is not shown
    if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH)
      throw misuse(REVOKE, `${name} is a ${typeof value}: a string that is not empty is needed, of ${MAX_NAME_LENGTH} characters at the most`);
    names[name as keyof Names] = value;
  }
  const given = TARGET_NAMES.filter((name) => name !== 'issuer' && names[name] !== undefined);
  const isSession = given.length === 2 && names.sessionId !== undefined && names.subject !== undefined;
  if (given.length > 1 && !isSession) throw misuse(REVOKE, `names ${given.join(' and ')}: one of them is needed, or a session with its subject`);
  if (given.length === 0 && names.issuer === undefined) throw misuse(REVOKE, `names nothing: one of ${TARGET_NAMES.join(', ')} is needed`);
  const of = names.issuer ?? issuer;
  if (of === undefined) throw misuse(REVOKE, 'names no issuer: this guard has several, and a name means something within its issuer alone');
  return { ...names, issuer: of };
}

function readOptions(
  { reason = 'unspecified', until, at, ...rest }: RevocationOptions,
  nowSeconds: number,
): { reason: RevocationReason; until?: number; at?: number } {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw misuse(REVOKE, `has the option ${shownName(unknown)}${didYouMean(unknown, OPTION_NAMES)}; these are known: ${OPTION_NAMES.join(', ')}`);
  if (!REVOCATION_REASONS.includes(reason))
    throw misuse(REVOKE, `reason is ${shown(reason, REVOCATION_REASONS)}: one of ${REVOCATION_REASONS.join(', ')} is needed`);
  for (const [name, seconds] of [
    ['until', until],
    ['at', at],
  ] as const) {
    if (seconds !== undefined && !isNumericDate(seconds))
      throw misuse(REVOKE, `${name} is ${shown(seconds, 'number')}: a number of seconds since the epoch is needed`);
  }
  // a token is accepted for a while after its end, by the skew that its issuer is allowed; what is long past was written in another unit, or is a mistake
  if (until !== undefined && until <= nowSeconds - LONGEST_PAST_SECONDS)
    throw misuse(REVOKE, `until is ${until}, which is long past: give the end of the last token that is to be hit, in seconds since the epoch`);
  return { reason, ...(until !== undefined && { until }), ...(at !== undefined && { at }) };
}
