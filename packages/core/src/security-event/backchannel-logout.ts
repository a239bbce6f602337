import { isNumericDate } from '../lib/numeric-date.js';
import { isJsonObject, own } from '../lib/json.js';
import type { Clock } from '../lib/clock.js';
import { publish } from '../events/events.js';
import type { Issuers } from '../issuer/issuer.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { numberOption, readTable, type OptionTable } from '../lib/option-table.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { memoryReplays, readReplays, replayName, type ReplayStore } from '../lib/replays.js';
import type { EventRevocations } from '../revocation/revocations.js';
import { hasAudience, isName, verifyIssuedJws, type IssuedJws } from './issued-jws.js';
import {
  answer,
  answerOf,
  MAX_MESSAGE_BYTES,
  mediaTypeOf,
  NOT_A_POST,
  retryAfter,
  textOf,
  type MessageReceiver,
  type ReceivedMessage,
  type ReceiverFailure,
} from './receiver.js';

/** Options of the receiver of logout tokens. */
export interface BackchannelLogoutOptions {
  /** The client ID that the authorization server writes into `aud` of its logout tokens, or several. Register the receiver's URL there for this client. */
  readonly clientId: string | readonly string[];
  /** Remembers which logout tokens were used. Default: in the memory of this process. A repeated logout token does no harm. */
  readonly replays?: ReplayStore | undefined;
  /**
   * How far the clocks of this server and the authorization server may differ for a logout token. A repeated or late logout token ends only what began before
   * it, so this may be generous. Default: the issuer's `clockSkewSeconds`.
   */
  readonly clockSkewSeconds?: number | undefined;
}

/** The parts of a guard that a receiver needs. */
export interface ReceiverContext {
  readonly issuers: Issuers;
  readonly revocations: EventRevocations;
  readonly clock: Clock;
}

/** A logout token is valid for minutes. A repetition after a day revokes nothing new. */
const MAX_REMEMBERED_SECONDS = 86_400;
const MAX_SKEW_SECONDS = 3600;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Fixed words, which contain nothing from the token (OpenID Connect Back-Channel Logout 1.0 s2.8). */
const REFUSED = answer(400, JSON.stringify({ error: 'invalid_request', error_description: 'The logout token is not valid here' }));
/** OpenID Connect Back-Channel Logout 1.0 s2.8 prescribes 400 for a failed logout, too. But a server that gets 400 does not send the token again: the logout is lost. */
const FAILED: Readonly<Record<ReceiverFailure, string>> = {
  store: unavailable('The logout could not be carried out now'),
  issuer: unavailable('The logout token cannot be verified now'),
  keys: unavailable('The logout token cannot be verified now'),
  key: unavailable('The key of the logout token is not known yet'),
};
const DONE = answer(200, '');

/**
 * Creates a receiver of logout tokens (OpenID Connect Back-Channel Logout 1.0). A logout token with `sid` revokes the tokens of that session, and the
 * subject's tokens without a `sid`. A logout token with only `sub` revokes all tokens of the subject.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function createBackchannelLogout(options: BackchannelLogoutOptions, { issuers, revocations, clock }: ReceiverContext): MessageReceiver {
  const { clientIds, replays, clockSkewSeconds } = readOptions(options, clock);

  return async function receive(message) {
    if (message.method !== 'POST') return NOT_A_POST;
    const token = logoutTokenOf(message);
    if (token === undefined) return refuse('request', undefined);
    const jws = await verifyIssuedJws(token, issuers);
    if ('failure' in jws) return jws.failure === 'unavailable' ? fail(jws.cause, jws.retryAfterSeconds) : refuse(jws.cause, undefined);
    const { issuer } = jws.issuer.rules;
    const skew = Math.max(clockSkewSeconds, jws.issuer.rules.clockSkewSeconds);
    const invalidClaim = findInvalidClaim(jws, clientIds, clock.now() / 1000, skew);
    if (invalidClaim) return refuse(invalidClaim, issuer);

    const { sub, sid, iat, exp, jti } = jws.claims as { sub?: string; sid?: string; iat: number; exp: number; jti: string };
    try {
      // revoked before it is remembered: after a failure, the server can send it again, and revoking twice does no harm
      const target = sid === undefined ? { subject: sub!, issuer } : { sessionId: sid, subject: sub, issuer };
      await answerOf(revocations.revoke(target, { reason: 'logout', at: iat }, skew));
      const ttlSeconds = Math.min(Math.max(1, exp - clock.now() / 1000) + skew, MAX_REMEMBERED_SECONDS);
      // a full store is not a failure here: the tokens are revoked
      if ((await answerOf(replays.add(replayName('logout', issuer, jti), ttlSeconds, replayName('issuer', issuer)))) === false) {
        publish('tokenward:token-replayed', { issuer, of: 'logout_token' });
        return refuse('jti', issuer);
      }
    } catch {
      return fail('store');
    }
    publish('tokenward:security-event', { issuer, channel: 'backchannel_logout', outcome: 'done', cause: undefined });
    return DONE;
  };
}

function refuse(cause: string, issuer: string | undefined): typeof REFUSED {
  publish('tokenward:security-event', { issuer, channel: 'backchannel_logout', outcome: 'refused', cause });
  return REFUSED;
}

function fail(failure: ReceiverFailure, retryAfterSeconds?: number): ReturnType<typeof answer> {
  publish('tokenward:security-event', { issuer: undefined, channel: 'backchannel_logout', outcome: 'failed', cause: failure });
  return answer(503, FAILED[failure], retryAfter(retryAfterSeconds), failure);
}

function unavailable(description: string): string {
  return JSON.stringify({ error: 'temporarily_unavailable', error_description: description });
}

/** Reads `logout_token` from a form, in which it must occur exactly once (OpenID Connect Back-Channel Logout 1.0 s2.5). */
function logoutTokenOf(message: ReceivedMessage): string | undefined {
  if (mediaTypeOf(message) !== 'application/x-www-form-urlencoded') return undefined;
  const text = textOf(message.body);
  const tokens: unknown[] =
    text !== undefined
      ? new URLSearchParams(text).getAll('logout_token')
      : [typeof message.body === 'object' && message.body && own(message.body, 'logout_token')];
  const [token] = tokens;
  return tokens.length === 1 && typeof token === 'string' && token.length <= MAX_MESSAGE_BYTES ? token : undefined;
}

/** Returns the name of an invalid claim (OpenID Connect Back-Channel Logout 1.0 s2.4 and s2.6); undefined if all are valid. */
function findInvalidClaim({ type, claims }: IssuedJws, clientIds: ReadonlySet<string>, nowSeconds: number, skew: number): string | undefined {
  const { aud, iat, exp, jti, sub, sid, events } = claims;
  if (type !== undefined && type !== 'logout+jwt' && type !== 'jwt') return 'typ';
  if (!hasAudience(aud, clientIds)) return 'aud';
  if (!isNumericDate(iat) || iat > nowSeconds + skew) return 'iat';
  // an `exp` far in the future is accepted: refusing it would leave somebody logged in
  if (typeof exp !== 'number' || !(nowSeconds < exp + skew)) return 'exp';
  if (!isName(jti)) return 'jti';
  if (Object.hasOwn(claims, 'nonce')) return 'nonce';
  if (!isJsonObject(events) || !isJsonObject(own(events, LOGOUT_EVENT))) return 'events';
  if (sub === undefined && sid === undefined) return 'sub';
  if (sub !== undefined && !isName(sub)) return 'sub';
  return sid !== undefined && !isName(sid) ? 'sid' : undefined;
}

interface Config {
  readonly clientIds: ReadonlySet<string>;
  readonly replays: ReplayStore;
  readonly clockSkewSeconds: number;
}

function readOptions(options: BackchannelLogoutOptions, clock: Clock): Config {
  const reader = new OptionReader(plainOptions(options, 'backchannelLogout()'), Object.keys(OPTIONS), 'backchannelLogout().');
  const { clientId, replays, clockSkewSeconds } = readTable(reader, OPTIONS);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return { clientIds: clientId, replays: replays ?? memoryReplays(clock), clockSkewSeconds };
}

const OPTIONS = {
  clientId: readClientIds,
  replays: readReplays,
  // less than the issuer's own has no effect
  clockSkewSeconds: numberOption(0, { least: 0, most: MAX_SKEW_SECONDS }),
} satisfies OptionTable<BackchannelLogoutOptions>;

function readClientIds(reader: OptionReader, name: string): ReadonlySet<string> {
  const given = reader.get(name);
  const clientIds = Array.isArray(given) ? reader.texts(name) : [reader.text(name, '')];
  if (given === undefined) reader.wrong(name, 'is missing: set it to the client ID for which the receiver is registered at the authorization server');
  return new Set(clientIds);
}
