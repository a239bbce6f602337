import { isNumericDate } from '../lib/numeric-date.js';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import type { Clock } from '../lib/clock.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { publish } from '../events/events.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { readTable, type OptionTable } from '../lib/option-table.js';
import { memoryReplays, readReplays, replayName, type ReplayStore } from '../lib/replays.js';
import type { RevocationReason } from '../vocabulary/revocation-words.js';
import type { ReceiverContext } from './backchannel-logout.js';
import { hasAudience, isName, verifyIssuedJws, type IssuedJws } from './issued-jws.js';
import {
  answer,
  answerOf,
  mediaTypeOf,
  NOT_A_POST,
  retryAfter,
  singleField,
  textOf,
  type MessageReceiver,
  type ReceivedMessage,
  type ReceiverFailure,
} from './receiver.js';
import { readEventSubject, type EventSubject } from './subject.js';

/** Options of the receiver of security events. */
export interface SharedSignalsOptions {
  /** The `aud` of the events, as agreed with the transmitter. If there are several, any one is accepted. */
  readonly audience: string | readonly string[];
  /** The exact value of the transmitter's `Authorization` header, such as `Bearer ...`. List both the old and the new value while you replace it. */
  readonly authorization?: string | readonly string[] | undefined;
  /** Accepts a signed event from anybody who sends it. It cannot be combined with `authorization`. */
  readonly unsafeAcceptUnauthenticatedTransmitters?: boolean | undefined;
  /** Remembers which events were used. Default: in the memory of this process. A repeated event does no harm. */
  readonly replays?: ReplayStore | undefined;
}

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
/** The events of OpenID CAEP 1.0 s3 that end tokens. */
const REASONS: ReadonlyMap<string, RevocationReason> = new Map([
  [`${CAEP}session-revoked`, 'session_revoked'],
  [`${CAEP}token-claims-change`, 'claims_changed'],
  [`${CAEP}credential-change`, 'credential_changed'],
]);
/** How long the `jti` of an event is remembered. An event need not have an `exp`. */
const REMEMBERED_SECONDS = 86_400;
const MIN_AUTHORIZATION_LENGTH = 24;

const ACCEPTED = answer(202, '');
/** The errors of RFC 8935 s2.3 and s2.4, in fixed words. */
const ERRORS = {
  invalid_request: refusal('invalid_request', 'The request is not a security event token'),
  invalid_key: refusal('invalid_key', 'The security event token is not signed with a known key'),
  invalid_issuer: refusal('invalid_issuer', 'The issuer is not known'),
  invalid_audience: refusal('invalid_audience', 'The audience is not this receiver'),
  authentication_failed: refusal('authentication_failed', 'The transmitter could not be authenticated'),
};

/**
 * Creates a receiver of security events by push (RFC 8935). The events of OpenID CAEP revoke the tokens of a session, or the subject's tokens issued up to the
 * event. Other events are acknowledged and change nothing.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function createSharedSignals(options: SharedSignalsOptions, { issuers, revocations, clock }: ReceiverContext): MessageReceiver {
  const { audiences, transmitters, replays } = readOptions(options, clock);

  return async function receive(message) {
    if (message.method !== 'POST') return NOT_A_POST;
    if (transmitters && !isTransmitter(message, transmitters)) return refuse('authentication_failed', 'authorization', undefined);
    const text = mediaTypeOf(message) === 'application/secevent+jwt' ? textOf(message.body) : undefined;
    if (text === undefined) return refuse('invalid_request', 'request', undefined);
    const jws = await verifyIssuedJws(text.trim(), issuers);
    if ('failure' in jws) return jws.failure === 'unavailable' ? fail(jws.cause, jws.retryAfterSeconds) : refuse(ERROR_OF[jws.failure], jws.cause, undefined);
    const { issuer } = jws.issuer.rules;
    const invalidClaim = findInvalidClaim(jws, clock.now() / 1000);
    if (invalidClaim) return refuse('invalid_request', invalidClaim, issuer);
    if (!hasAudience(jws.claims['aud'], audiences)) return refuse('invalid_audience', 'aud', issuer);
    try {
      // revoked before it is remembered: after a failure, the transmitter can send it again, and revoking twice does no harm
      const done = await revokeTokens(jws, issuer);
      // a full store is not a failure here: the tokens are revoked
      const name = replayName('event', issuer, jws.claims['jti'] as string);
      const isNew = (await answerOf(replays.add(name, REMEMBERED_SECONDS, replayName('issuer', issuer)))) !== false;
      if (!isNew) publish('tokenward:token-replayed', { issuer, of: 'security_event' });
      publish('tokenward:security-event', {
        issuer,
        channel: 'shared_signals',
        outcome: done && isNew ? 'done' : 'ignored',
        cause: isNew ? undefined : 'jti',
      });
    } catch {
      return fail('store');
    }
    return ACCEPTED;
  };

  /** @returns whether anything was revoked */
  async function revokeTokens({ claims }: IssuedJws, issuer: string): Promise<boolean> {
    let done = false;
    for (const [type, event] of Object.entries(claims['events'] as JsonObject)) {
      const reason = REASONS.get(type);
      if (reason === undefined) continue;
      // RFC 8417 s2.2 and OpenID SSF 1.0 s4.1; in earlier drafts, the event contained the subject
      const subject = readEventSubject(claims['sub_id'] ?? own(event as JsonObject, 'subject'), issuer);
      if (!subject) continue;
      const eventTime = own(event as JsonObject, 'event_timestamp');
      // an event that arrives late concerns only tokens issued before it happened
      const at = isNumericDate(eventTime) && eventTime <= (claims['iat'] as number) ? eventTime : (claims['iat'] as number);
      await answerOf(revocations.revoke({ ...targetOf(subject, reason), issuer }, { reason, at }));
      done = true;
    }
    return done;
  }
}

/** The end of a session does not affect other sessions. Changed claims and credentials concern all sessions of the subject. */
function targetOf({ subject, sessionId }: EventSubject, reason: RevocationReason): { sessionId: string; subject?: string } | { subject: string } {
  if (sessionId !== undefined && (reason === 'session_revoked' || subject === undefined)) return { sessionId, ...(subject !== undefined && { subject }) };
  return { subject: subject! };
}

/** Returns the name of an invalid claim (RFC 8417 s2.2, OpenID SSF 1.0 s4); undefined if all are valid. */
function findInvalidClaim({ type, claims, issuer }: IssuedJws, nowSeconds: number): string | undefined {
  const { iat, jti, exp, events } = claims;
  const skew = issuer.rules.clockSkewSeconds;
  if (type !== 'secevent+jwt') return 'typ';
  if (!isNumericDate(iat) || iat > nowSeconds + skew) return 'iat';
  if (exp !== undefined && (typeof exp !== 'number' || !(nowSeconds < exp + skew))) return 'exp';
  if (!isName(jti)) return 'jti';
  if (!isJsonObject(events) || Object.keys(events).length === 0 || !Object.values(events).every(isJsonObject)) return 'events';
  return undefined;
}

const ERROR_OF = { malformed: 'invalid_request', unknown_issuer: 'invalid_issuer', bad_key: 'invalid_key' } as const satisfies Record<
  string,
  keyof typeof ERRORS
>;

function refusal(err: string, description: string): ReturnType<typeof answer> {
  return answer(400, JSON.stringify({ err, description }), { 'content-language': 'en' });
}

function refuse(err: keyof typeof ERRORS, cause: string, issuer: string | undefined): ReturnType<typeof answer> {
  publish('tokenward:security-event', { issuer, channel: 'shared_signals', outcome: 'refused', cause });
  return ERRORS[err];
}

function fail(failure: ReceiverFailure, retryAfterSeconds?: number): ReturnType<typeof answer> {
  publish('tokenward:security-event', { issuer: undefined, channel: 'shared_signals', outcome: 'failed', cause: failure });
  return answer(503, '', retryAfter(retryAfterSeconds), failure);
}

function isTransmitter({ headers }: ReceivedMessage, transmitters: readonly Buffer[]): boolean {
  const digest = digestOf(singleField(headers, 'authorization') ?? '');
  // compares all of them, so that the duration reveals nothing
  return transmitters.map((known) => timingSafeEqual(known, digest)).includes(true);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

interface Config {
  readonly audiences: ReadonlySet<string>;
  readonly transmitters: readonly Buffer[] | undefined;
  readonly replays: ReplayStore;
}

const OPTIONS = {
  audience: readAudiences,
  authorization: readTransmitters,
  unsafeAcceptUnauthenticatedTransmitters: readUnauthenticated,
  replays: readReplays,
} satisfies OptionTable<SharedSignalsOptions>;

function readOptions(options: SharedSignalsOptions, clock: Clock): Config {
  const reader = new OptionReader(plainOptions(options, 'sharedSignals()'), Object.keys(OPTIONS), 'sharedSignals().');
  const { audience, authorization, replays } = readTable(reader, OPTIONS);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return { audiences: audience, transmitters: authorization?.map((one) => digestOf(one as string)), replays: replays ?? memoryReplays(clock) };
}

function readAudiences(reader: OptionReader, name: string): ReadonlySet<string> {
  const given = reader.get(name);
  const audiences = Array.isArray(given) ? reader.texts(name) : [reader.text(name, '')];
  if (given === undefined) reader.wrong(name, "is missing: set it to the value that the transmitter writes into the events' aud");
  return new Set(audiences);
}

function readTransmitters(reader: OptionReader, name: string): readonly unknown[] | undefined {
  const given = reader.get(name);
  const transmitters = given === undefined ? undefined : [given].flat();
  // the message does not show the value, which is a secret
  if (transmitters && (transmitters.length === 0 || !transmitters.every((one) => typeof one === 'string' && one.length >= MIN_AUTHORIZATION_LENGTH)))
    reader.wrong(name, `must be the whole header value, a string of at least ${MIN_AUTHORIZATION_LENGTH} characters`);
  // a header value never has outer white space (RFC 9110 s5.5), so no transmitter would match
  else if (transmitters?.some((one) => one !== (one as string).trim()))
    reader.wrong(name, 'begins or ends with white space, which no header value has. Remove it with trim(), for example after reading a file');
  return transmitters;
}

/** Requires either `authorization` or `unsafeAcceptUnauthenticatedTransmitters`, and not both. */
function readUnauthenticated(reader: OptionReader, name: string): void {
  const isGiven = reader.get('authorization') !== undefined;
  if (reader.flag(name) !== isGiven) return;
  const message = isGiven
    ? 'cannot be combined with unsafeAcceptUnauthenticatedTransmitters. Set only one of them'
    : "is missing: set it to the value of the transmitter's Authorization header";
  reader.wrong('authorization', message);
}
