import { isNumericDate } from '../lib/numeric-date.js';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import type { Clock } from '../lib/clock.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { publish } from '../events/events.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { readTable, type OptionTable } from '../lib/option-table.js';
import { memoryReplays, replayName, type ReplayStore } from './replay.js';
import type { RevocationReason } from '../vocabulary/revocation-words.js';
import { readReplays, type ReceiverSurroundings } from './backchannel-logout.js';
import { isFor, isName, verifyIssuedJws, type IssuedJws } from './issued-jws.js';
import { answer, mediaTypeOf, NOT_A_POST, singleField, textOf, type MessageReceiver, type ReceivedMessage } from './receiver.js';
import { readEventSubject, type EventSubject } from './subject.js';

/** What the receiver of security events is told. */
export interface SharedSignalsOptions {
  /** Whom the transmitter's events are meant for: what was agreed on as `aud` of the stream; several: any one will do. */
  readonly audience: string | readonly string[];
  /** What the transmitter shows in `Authorization`, to the letter, such as `Bearer ...`; several, so that one can follow another. */
  readonly authorization?: string | readonly string[] | undefined;
  /** Instead of `authorization`: whoever has a signed event that we have not seen may send it. */
  readonly unsafeAcceptUnauthenticatedTransmitters?: boolean | undefined;
  /** Remembers which events have counted. Default: in this process; a repeated one changes nothing anyway. */
  readonly replays?: ReplayStore | undefined;
}

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
/** OpenID CAEP 1.0 s3: what of it ends tokens. */
const REASONS: ReadonlyMap<string, RevocationReason> = new Map([
  [`${CAEP}session-revoked`, 'session_revoked'],
  [`${CAEP}token-claims-change`, 'claims_changed'],
  [`${CAEP}credential-change`, 'credential_changed'],
]);
/** So long the `jti` of an event is remembered, in seconds: it has no end of its own. */
const REMEMBERED_SECONDS = 86_400;
const MIN_AUTHORIZATION_LENGTH = 24;

const ACCEPTED = answer(202, '');
const UNAVAILABLE = answer(503, '', { 'retry-after': '5' });
/** RFC 8935 s2.3 and s2.4, in fixed words. */
const ERRORS = {
  invalid_request: refusal('invalid_request', 'The request is no security event token'),
  invalid_key: refusal('invalid_key', 'The security event token is not signed with a key that is known here'),
  invalid_issuer: refusal('invalid_issuer', 'The issuer is not known here'),
  invalid_audience: refusal('invalid_audience', 'The audience is not this recipient'),
  authentication_failed: refusal('authentication_failed', 'The transmitter could not be authenticated'),
};

/**
 * Receives security events by push (RFC 8935), and revokes what those of CAEP end: a session, or the tokens that a subject has had up to then. What
 * is not known is acknowledged, and changes nothing.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
 */
export function createSharedSignals(options: SharedSignalsOptions, { issuers, revocations, clock }: ReceiverSurroundings): MessageReceiver {
  const { audiences, transmitters, replays } = readOptions(options, clock);

  return async function receive(message) {
    if (message.method !== 'POST') return NOT_A_POST;
    if (transmitters && !isTransmitter(message, transmitters)) return refuse('authentication_failed', 'authorization', undefined);
    const text = mediaTypeOf(message) === 'application/secevent+jwt' ? textOf(message.body) : undefined;
    if (text === undefined) return refuse('invalid_request', 'request', undefined);
    const jws = await verifyIssuedJws(text.trim(), issuers);
    if ('fault' in jws) {
      if (jws.fault === 'unavailable') return fail(jws.cause);
      return refuse(jws.fault === 'foreign_issuer' ? 'invalid_issuer' : jws.fault === 'bad_key' ? 'invalid_key' : 'invalid_request', jws.cause, undefined);
    }
    const { issuer } = jws.issuer.rules;
    const fault = faultOf(jws, clock.now() / 1000);
    if (fault) return refuse('invalid_request', fault, issuer);
    if (!isFor(jws.claims['aud'], audiences)) return refuse('invalid_audience', 'aud', issuer);
    try {
      // done first and then counted, so that what failed can be sent again; a second time it says nothing new
      const done = await carryOut(jws, issuer);
      // one that there is no room to remember has counted all the same: a second time it says nothing new
      const isNew = (await replays.add(replayName('event', issuer, jws.claims['jti'] as string), REMEMBERED_SECONDS)) !== false;
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
  async function carryOut({ claims }: IssuedJws, issuer: string): Promise<boolean> {
    let done = false;
    for (const [type, event] of Object.entries(claims['events'] as JsonObject)) {
      const reason = REASONS.get(type);
      if (reason === undefined) continue;
      // RFC 8417 s2.2 and OpenID SSF 1.0 s4.1; earlier drafts had it in the event
      const named = readEventSubject(claims['sub_id'] ?? own(event as JsonObject, 'subject'), issuer);
      if (!named) continue;
      const happened = own(event as JsonObject, 'event_timestamp');
      // what comes late is about tokens from before it happened, and about no others
      const at = isNumericDate(happened) && happened <= (claims['iat'] as number) ? happened : (claims['iat'] as number);
      await revocations.revoke({ ...targetOf(named, reason), issuer }, { reason, at });
      done = true;
    }
    return done;
  }
}

/** Of a session that ends the others go on; changed claims and credentials are the subject's, whichever session told of them. */
function targetOf({ subject, sessionId }: EventSubject, reason: RevocationReason): { sessionId: string; subject?: string } | { subject: string } {
  if (sessionId !== undefined && (reason === 'session_revoked' || subject === undefined)) return { sessionId, ...(subject !== undefined && { subject }) };
  return { subject: subject! };
}

/** The claim for which it is no security event token (RFC 8417 s2.2, OpenID SSF 1.0 s4). */
function faultOf({ type, claims, issuer }: IssuedJws, nowSeconds: number): string | undefined {
  const { iat, jti, exp, events } = claims;
  const skew = issuer.rules.clockSkewSeconds;
  if (type !== 'secevent+jwt') return 'typ';
  if (!isNumericDate(iat) || iat > nowSeconds + skew) return 'iat';
  if (exp !== undefined && (typeof exp !== 'number' || !(nowSeconds < exp + skew))) return 'exp';
  if (!isName(jti)) return 'jti';
  if (!isJsonObject(events) || Object.keys(events).length === 0 || !Object.values(events).every(isJsonObject)) return 'events';
  return undefined;
}

function refusal(err: string, description: string): ReturnType<typeof answer> {
  return answer(400, JSON.stringify({ err, description }), { 'content-language': 'en' });
}

function refuse(err: keyof typeof ERRORS, cause: string, issuer: string | undefined): ReturnType<typeof answer> {
  publish('tokenward:security-event', { issuer, channel: 'shared_signals', outcome: 'refused', cause });
  return ERRORS[err];
}

function fail(cause: string): typeof UNAVAILABLE {
  publish('tokenward:security-event', { issuer: undefined, channel: 'shared_signals', outcome: 'failed', cause });
  return UNAVAILABLE;
}

function isTransmitter({ headers }: ReceivedMessage, transmitters: readonly Buffer[]): boolean {
  const digest = digestOf(singleField(headers, 'authorization') ?? '');
  // all of them, so that the time tells nothing
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
  if (given === undefined) reader.wrong(name, "is missing: give what the transmitter writes into the events' aud");
  return new Set(audiences);
}

function readTransmitters(reader: OptionReader, name: string): readonly unknown[] | undefined {
  const shown = reader.get(name);
  const transmitters = shown === undefined ? undefined : [shown].flat();
  // what was given is a secret
  if (transmitters && (transmitters.length === 0 || !transmitters.every((one) => typeof one === 'string' && one.length >= MIN_AUTHORIZATION_LENGTH)))
    reader.wrong(name, `is none, or too short: the field's whole value is needed, of ${MIN_AUTHORIZATION_LENGTH} characters at the least`);
  // a field's value never has it (RFC 9110 s5.5), so that no transmitter would be known
  else if (transmitters?.some((one) => one !== (one as string).trim()))
    reader.wrong(name, 'begins or ends with white space, as the text of a file does, and no header field has that. Remove it, as by trim()');
  return transmitters;
}

/** One of the two must be said, and not both. */
function readUnauthenticated(reader: OptionReader, name: string): void {
  const isGiven = reader.get('authorization') !== undefined;
  if (reader.flag(name) !== isGiven) return;
  const message = isGiven
    ? 'stands beside unsafeAcceptUnauthenticatedTransmitters: give one of them'
    : 'is missing: give what the transmitter shows in Authorization';
  reader.wrong('authorization', message);
}
