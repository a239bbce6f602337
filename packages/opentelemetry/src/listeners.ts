import { trace } from '@opentelemetry/api';
import { observe, type Events } from '@tokenward/core';
import { REVOCATION_KINDS } from '@tokenward/core/adapter';
import { ATTRIBUTE, type DecisionAttributes, type IssuerAttributes } from './attributes.js';
import {
  ALL_IGNORED_CERTIFICATES,
  ALL_KEY_SOURCES,
  ALL_REPLAYED,
  ALL_REUSED,
  channelOf,
  ignoredCertificateOf,
  introspectedOf,
  isUsable,
  keySourceOf,
  kindOf,
  outcomeOf,
  reasonOf,
  replayedOf,
  reusedOf,
  revocationReasonOf,
  sessionActionOf,
  sessionOutcomeOf,
  sessionReasonOf,
} from './closed-sets.js';
import type { Instruments } from './instruments.js';
import type { IssuerLabels } from './issuer-labels.js';

/**
 * Counts core's events. If an instrument throws, `observe` catches the error.
 *
 * @returns a function that stops listening
 */
export function listen(instruments: Instruments, labels: IssuerLabels, isTracing: () => boolean): () => void {
  function recordDecision({ request, duration, span }: DecisionAttributes, durationSeconds: unknown): void {
    if (isTracing()) trace.getActiveSpan()?.setAttributes(span);
    instruments.requests.add(1, request);
    if (isAmount(durationSeconds)) instruments.duration.record(durationSeconds, duration);
  }

  for (const attributes of [USABLE, NOT_USABLE]) instruments.storeFailures.add(0, attributes);
  for (const cause of ALL_IGNORED_CERTIFICATES) instruments.ignoredCertificates.add(0, { [ATTRIBUTE.certificateCause]: cause });
  const stops = [
    observe('tokenward:accepted', ({ issuer, anonymous, durationSeconds }) => {
      const attributes = labels.of(issuer);
      recordDecision(anonymous ? attributes.anonymous : attributes.accepted, durationSeconds);
    }),
    observe('tokenward:refused', ({ issuer, reason, status, durationSeconds }) => recordDecision(labels.of(issuer).refused(reason, status), durationSeconds)),
    observe('tokenward:shadow-refused', ({ issuer, reason }) =>
      instruments.shadowRefusals.add(1, labels.of(issuer).with([ATTRIBUTE.errorType, reasonOf(reason)])),
    ),
    observe('tokenward:revoked', (event) => instruments.revocations.add(1, revocationAttributes(labels.of(event.issuer), event))),
    observe('tokenward:revoked-token-used', (event) => instruments.revokedTokenUses.add(1, revocationAttributes(labels.of(event.issuer), event))),
    observe('tokenward:revocations-overflowed', ({ issuer }) => instruments.revocationOverflows.add(1, labels.of(issuer).issuerOnly)),
    observe('tokenward:revocations-failed', ({ usable }) => instruments.storeFailures.add(1, isUsable(usable) ? USABLE : NOT_USABLE)),
    observe('tokenward:revocations-synced', () => instruments.storeSyncs.add(1)),
    observe('tokenward:security-event', ({ issuer, channel, outcome }) =>
      instruments.securityEvents.add(1, labels.of(issuer).with([ATTRIBUTE.channel, channelOf(channel)], [ATTRIBUTE.securityEventOutcome, outcomeOf(outcome)])),
    ),
    observe('tokenward:session', (event) => instruments.sessions.add(1, sessionAttributes(labels.of(event.issuer), event))),
    observe('tokenward:token-reused', ({ issuer, by }) => instruments.tokenReuses.add(1, labels.of(issuer).with([ATTRIBUTE.reused, reusedOf(by)]))),
    observe('tokenward:token-replayed', ({ issuer, of }) => instruments.tokenReplays.add(1, labels.of(issuer).with([ATTRIBUTE.replayed, replayedOf(of)]))),
    observe('tokenward:certificate-ignored', ({ cause }) =>
      instruments.ignoredCertificates.add(1, { [ATTRIBUTE.certificateCause]: ignoredCertificateOf(cause) }),
    ),
    observe('tokenward:long-lived-token', ({ issuer }) => instruments.longLivedTokens.add(1, labels.of(issuer).issuerOnly)),
    observe('tokenward:clock-skew', ({ issuer, skewSeconds }) => {
      if (isAmount(skewSeconds)) instruments.clockSkew.record(skewSeconds, labels.of(issuer).issuerOnly);
    }),
    observe('tokenward:introspected', ({ issuer, outcome, durationSeconds }) => {
      if (isAmount(durationSeconds))
        instruments.introspection.record(durationSeconds, labels.of(issuer).with([ATTRIBUTE.introspectionOutcome, introspectedOf(outcome)]));
    }),
    observe('tokenward:keys-refreshed', ({ issuer, source }) =>
      instruments.keyRefreshes.add(1, labels.of(issuer).with([ATTRIBUTE.keySource, keySourceOf(source)])),
    ),
    observe('tokenward:keys-failed', ({ issuer, source, usable }) =>
      instruments.keyFailures.add(1, labels.of(issuer).with([ATTRIBUTE.keySource, keySourceOf(source)], [ATTRIBUTE.usable, isUsable(usable)])),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Creates rare series, and those that alerts need, with the value 0: Prometheus sees no increase in a counter that first appears with its first event. */
export function startAtZero(instruments: Instruments, attributes: IssuerAttributes): void {
  for (const { request } of [attributes.accepted, ...ALERTED_REASONS.map(([reason, status]) => attributes.refused(reason, status))])
    instruments.requests.add(0, request);
  for (const source of ALL_KEY_SOURCES) {
    instruments.keyRefreshes.add(0, attributes.with([ATTRIBUTE.keySource, source]));
    // what a file held before always stays in use
    for (const usable of source === 'issuer' ? [true, false] : [true])
      instruments.keyFailures.add(0, attributes.with([ATTRIBUTE.keySource, source], [ATTRIBUTE.usable, usable]));
  }
  for (const of of ALL_REPLAYED) instruments.tokenReplays.add(0, attributes.with([ATTRIBUTE.replayed, of]));
  for (const kind of REVOCATION_KINDS) instruments.revokedTokenUses.add(0, revocationAttributes(attributes, { kind, reason: 'compromised' }));
  for (const by of ALL_REUSED) instruments.tokenReuses.add(0, attributes.with([ATTRIBUTE.reused, by]));
  const { revocationOverflows, longLivedTokens } = instruments;
  for (const counter of [revocationOverflows, longLivedTokens]) counter.add(0, attributes.issuerOnly);
}

/** The reasons for which an alert needs few events. Each makes a series for each issuer, and a meter provider drops the series of an instrument beyond 2000. */
const ALERTED_REASONS = [
  ['revoked', 401],
  ['bad_signature', 401],
  ['unknown_key', 401],
  ['keys_unavailable', 503],
  ['revocations_unavailable', 503],
  ['replays_unavailable', 503],
] as const;

const USABLE = Object.freeze({ [ATTRIBUTE.usable]: true });
const NOT_USABLE = Object.freeze({ [ATTRIBUTE.usable]: false });

function revocationAttributes(issuer: IssuerAttributes, { kind, reason }: { readonly kind: unknown; readonly reason: unknown }) {
  return issuer.with([ATTRIBUTE.revocationKind, kindOf(kind)], [ATTRIBUTE.revocationReason, revocationReasonOf(reason)]);
}

function sessionAttributes(issuer: IssuerAttributes, { action, outcome, reason }: Events['tokenward:session']) {
  const what = [[ATTRIBUTE.sessionAction, sessionActionOf(action)] as const, [ATTRIBUTE.sessionOutcome, sessionOutcomeOf(outcome)] as const];
  return reason === undefined ? issuer.with(...what) : issuer.with(...what, [ATTRIBUTE.sessionReason, sessionReasonOf(reason)]);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}
