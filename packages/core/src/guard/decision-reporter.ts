import type { Auth } from '../auth/auth.js';
import type { Decision } from '../decision/decision.js';
import { isObserved, observersOf, publish, type RequestEvent } from '../events/events.js';
import { causeText } from '../explain/cause-text.js';
import { explanationOf } from '../explain/explanation.js';
import { createHints } from '../explain/hints.js';
import { placeOf } from '../explain/place.js';
import { nameOf } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Clock } from '../lib/clock.js';
import { printable } from '../lib/url.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { RevocationRecord } from '../revocation/revocation.js';
import { behaviourOf, type Reason } from '../vocabulary/reason.js';

/** Reports decisions to operators: as events, and as hints on stderr. It costs next to nothing if nobody observes them. */
export interface DecisionReporter {
  /** Returns the monotonic time in milliseconds; undefined if nobody observes decisions. */
  start(): number | undefined;
  /**
   * Reports a decision, and returns it.
   *
   * @param issuer whose token was presented, as far as that is known
   * @param startedAt what {@link DecisionReporter.start} returned
   */
  report<D extends Decision>(decision: D, issuer: string | undefined, startedAt?: number, request?: ProtectedRequest, auth?: Auth): D;
  /**
   * Reports that a request was admitted without authentication. If it has a session cookie that did not count, the report says why: otherwise nobody would
   * learn that a page of the app forgets the custom header.
   */
  reportAnonymous<D extends Decision>(decision: D, failure: VerificationFailure, startedAt: number | undefined, request: ProtectedRequest): D;
  reportRevokedToken(auth: Auth, record: RevocationRecord, nowSeconds: number, request: ProtectedRequest | undefined): void;
}

export interface ReporterConfig {
  /** The guard's `name`, which every event carries. */
  readonly name: string;
  /** Used in events if the token's issuer is not known. */
  readonly defaultIssuer: string;
  readonly clock: Clock;
}

const ACCEPTED = observersOf('tokenward:accepted');
const REFUSED = observersOf('tokenward:refused');

export function createDecisionReporter({ name, defaultIssuer, clock }: ReporterConfig): DecisionReporter {
  const hint = createHints();

  function durationSeconds(startedAt: number | undefined): number | undefined {
    return startedAt === undefined ? undefined : (clock.monotonic() - startedAt) / 1000;
  }

  function requestEvent(request: ProtectedRequest | undefined, auth: Auth | undefined): RequestEvent {
    const place = request && placeOf(request);
    return {
      guard: name,
      method: place?.method,
      route: place?.route,
      path: place?.path,
      requestId: place?.requestId,
      clientId: auth?.clientId && printable(auth.clientId),
    };
  }

  function publishAccepted(issuer = defaultIssuer, anonymous: boolean, startedAt: number | undefined, ignored: Reason | undefined): void {
    if (!ACCEPTED.hasSubscribers) return;
    publish('tokenward:accepted', { issuer, anonymous, ignored, durationSeconds: durationSeconds(startedAt) });
  }

  return {
    start: () => (ACCEPTED.hasSubscribers || REFUSED.hasSubscribers ? clock.monotonic() : undefined),
    report(decision, knownIssuer, startedAt, request, auth) {
      if (decision.outcome === 'allow') {
        publishAccepted(knownIssuer, decision.auth === undefined, startedAt, undefined);
        return decision;
      }
      hint(decision, request);
      if (REFUSED.hasSubscribers) {
        const { status, reason, cause } = decision;
        const { summary, docs } = decision.explain();
        publish('tokenward:refused', {
          issuer: knownIssuer ?? defaultIssuer,
          status,
          reason,
          cause: cause === undefined ? undefined : causeText(cause),
          summary,
          docs,
          durationSeconds: durationSeconds(startedAt),
          ...requestEvent(request, auth),
        });
      }
      return decision;
    },
    reportAnonymous(decision, failure, startedAt, request) {
      const { reason } = failure;
      const isIgnored = behaviourOf(reason).answer !== 'unauthenticated';
      if (isIgnored) hint({ status: 'anonymous', reason, explain: () => explanationOf(reason, failure) }, request);
      publishAccepted(failure.issuer && nameOf(failure.issuer), true, startedAt, isIgnored ? reason : undefined);
      return decision;
    },
    reportRevokedToken(auth, { kind, reason, issuedUntil }, nowSeconds, request) {
      if (!isObserved('tokenward:revoked-token-used')) return;
      const secondsLate = Math.max(0, Math.round(nowSeconds - issuedUntil));
      publish('tokenward:revoked-token-used', { issuer: auth.issuer, kind, reason, secondsLate, ...requestEvent(request, auth) });
    },
  };
}
