import type { ClaimsSchema } from '../auth/claims-schema.js';
import { readConfirmation } from '../binding/confirmation.js';
import { createOutageWarnings } from '../events/outage-warnings.js';
import { isObserved, publish, type Events } from '../events/events.js';
import type { Monitor } from '../events/monitoring.js';
import type { IntrospectingIssuer } from '../issuer/issuer.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { isFresh, type Standing } from '../issuer/verified-key.js';
import type { Clock } from '../lib/clock.js';
import { joinedErrors } from '../lib/joined-errors.js';
import { own, type JsonObject } from '../lib/json.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { printableUrl } from '../lib/url.js';
import type { TokenSignals } from '../revocation/token-signals.js';
import { behaviourOf } from '../vocabulary/reason.js';
import { buildAuth } from './build-auth.js';
import { parseClaims } from './claims-schema.js';
import { examineAnswer, isActive } from './introspection-answer.js';
import { createCircuits } from './introspection-circuit.js';
import { createIntrospectionClient } from './introspection-client.js';
import { createAnswerMemory, type IntrospectedToken } from './introspection-memory.js';
import { createIntrospectionQueue, QueueFullError } from './introspection-queue.js';
import { createSharedAnswers } from './introspection-sharing.js';
import { answerName, type ActiveAnswer } from './introspection-seal.js';
import { evaluateShadow, type Shadow } from './shadow.js';
import { examineTime } from './token-time.js';
import type { TrustCheck } from './trust-check.js';
import { isVerified, type Verification } from './verifier.js';

/** What introspection needs from its guard. */
export interface IntrospectorContext {
  readonly clock: Clock;
  readonly claims: ClaimsSchema | undefined;
  readonly shadow: Shadow | undefined;
  readonly tokenSignals: TokenSignals;
  readonly trust: TrustCheck;
  readonly monitor: Monitor;
}

/** The state of the introspection of one issuer, without tokens and secrets. */
export interface IntrospectionHealth {
  readonly issuer: string;
  /** The address of the endpoint. undefined: not yet found in the issuer's metadata. */
  readonly endpoint: string | undefined;
  /** Whether tokens can be introspected now: the address is known, and the endpoint does not count as down for the tokens in use. */
  readonly usable: boolean;
  /** How many answers about active tokens are cached. */
  readonly activeTokens: number;
  /** How many answers about refused tokens are cached. */
  readonly refusedTokens: number;
  /** How many introspections are under way, and how many wait. */
  readonly asking: number;
  readonly waiting: number;
  /** While the endpoint counts as down: when the next introspection is sent. */
  readonly retryInSeconds: number | undefined;
  /** Why the last introspection failed, why the metadata could not be read again meanwhile, and why `bearerTokenFile` could not be read again. */
  readonly lastError: string | undefined;
}

/** Introspects the tokens of one issuer. */
export interface Introspector {
  /** Returns a promise only if there is no cached answer. */
  introspect(token: string, nowSeconds: number): Verification | Promise<Verification>;
  warm(): Promise<void>;
  health(): IntrospectionHealth;
  close(): void;
}

export function createIntrospector(issuer: IntrospectingIssuer, context: IntrospectorContext): Introspector {
  const { rules, introspection } = issuer;
  const { cacheSeconds, inactiveCacheSeconds, timeoutSeconds } = introspection;
  const { clock, claims: schema, shadow, tokenSignals, trust, monitor } = context;
  const name = rules.issuer;
  const outages = createOutageWarnings('tokenward:introspected');
  const client = createIntrospectionClient(issuer, clock);
  const memory = createAnswerMemory(introspection.maxEntries);
  const queue = createIntrospectionQueue(introspection.maxConcurrent, introspection.maxQueued);
  const shared = createSharedAnswers(introspection);
  const limits = new Set<AbortController>();
  let isClosed = false;
  /** Introspections under way, so that requests with the same token share one (rule 77). */
  const underWay = new Map<string, Promise<Verification>>();
  const circuits = createCircuits(clock, (isOpen) => {
    if (isOpen) {
      outages.began(
        name,
        `tokenward: tokens of ${name} cannot be introspected: ${circuits.of(false).lastError}; tokens that were active within the last ${cacheSeconds} s stay in use`,
      );
    } else outages.ended(name, `tokenward: tokens of ${name} can be introspected again`);
  });

  function unavailable(cause: string, retryAfterSeconds = 1): VerificationFailure {
    return { reason: 'introspection_unavailable', cause, retryAfterSeconds: Math.max(1, retryAfterSeconds), issuer };
  }

  const inactive: VerificationFailure = Object.freeze({ reason: 'inactive_token', issuer });

  function startIntrospection(hash: string, token: string, known: IntrospectedToken | undefined): Promise<Verification> {
    const started = ask(hash, token, known).finally(() => underWay.delete(hash));
    underWay.set(hash, started);
    return started;
  }

  async function ask(hash: string, token: string, known: IntrospectedToken | undefined): Promise<Verification> {
    const endsAtMs = performance.now() + timeoutSeconds * 1000;
    // before it waits for a turn: a token that another process has introspected need not wait behind a flood of unknown ones
    const found = shared && (await shared.find(hash, token, clock.now() / 1000));
    if (isClosed) return unavailable(CLOSED);
    if (found) return accept(hash, token, found, clock.monotonic() - Math.max(0, clock.now() / 1000 - found.askedAt) * 1000, known);
    const isKnown = known !== undefined;
    const atOnce = queue.tryEnter(isKnown);
    const leave = atOnce ?? (await waitForTurn(isKnown, endsAtMs));
    if (typeof leave === 'string') return unavailable(leave);
    const limit = timeLimit(endsAtMs - performance.now());
    try {
      return await askEndpoint(hash, token, known, limit.signal, atOnce === undefined);
    } finally {
      leave();
      limit.end();
    }
  }

  /** Waits for at most half of the time limit. With less time left, a slow endpoint could not answer any introspection during a flood. */
  async function waitForTurn(isKnown: boolean, endsAtMs: number): Promise<(() => void) | string> {
    const limit = timeLimit(endsAtMs - performance.now() - timeoutSeconds * 500);
    try {
      return await queue.enter(isKnown, limit.signal);
    } catch (error) {
      if (error instanceof QueueFullError) return `${error.message}. Raise introspection.maxConcurrent or maxQueued if these are not an attack`;
      return isClosed ? CLOSED : `no turn within ${timeoutSeconds / 2} s`;
    } finally {
      limit.end();
    }
  }

  /** The signal of one introspection: it aborts after the time limit, and when the guard is closed. */
  function timeLimit(ms: number = timeoutSeconds * 1000): { readonly signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error('the time is over')), Math.max(1, ms));
    timer.unref();
    limits.add(controller);
    if (isClosed) controller.abort(new Error(CLOSED));
    return {
      signal: controller.signal,
      end() {
        clearTimeout(timer);
        limits.delete(controller);
      },
    };
  }

  async function askEndpoint(
    hash: string,
    token: string,
    known: IntrospectedToken | undefined,
    signal: AbortSignal,
    hasWaited: boolean,
  ): Promise<Verification> {
    const isKnown = known !== undefined;
    const circuit = circuits.of(isKnown);
    if (!circuit.mayAsk()) return unavailable(circuit.lastError!, circuit.pauseSeconds);
    // the answer may describe the moment at which the request was sent
    const askedAtMs = clock.monotonic();
    const askedAt = clock.now() / 1000;
    const result = await client.ask(token, signal);
    const report = (outcome: Events['tokenward:introspected']['outcome'], message?: string): void => {
      if (isObserved('tokenward:introspected'))
        publish('tokenward:introspected', { issuer: name, outcome, durationSeconds: (clock.monotonic() - askedAtMs) / 1000, message });
    };
    if (result.answer === undefined) {
      if (!result.isDown) circuits.succeeded();
      // too little time was left to say anything about the endpoint
      else if (isClosed || (hasWaited && signal.aborted)) circuit.ended();
      else {
        circuits.failed(isKnown, result.message, result.pauseSeconds);
        // the metadata may come back later than the endpoint's outage began, and name another address
        if (circuit.isOpen) client.renewAddress();
      }
      report('failed', result.message);
      return unavailable(result.message, result.pauseSeconds ?? circuit.pauseSeconds);
    }
    circuits.succeeded();
    if (!isActive(result.answer)) {
      report('inactive');
      end(hash, known);
      memory.refuse(hash, inactive, askedAtMs + inactiveCacheSeconds * 1000);
      return inactive;
    }
    report('active');
    const answer = { claims: result.answer, askedAt };
    const verified = accept(hash, token, answer, askedAtMs, known);
    // no request waits for the store, and if it fails, other processes introspect the token themselves
    if (isVerified(verified)) shared?.share(hash, token, answer, Math.min(cacheSeconds, verified.auth.expiresAt - askedAt));
    return verified;
  }

  /** Tells the requests that use a token that the token has ended, even if it was evicted meanwhile. */
  function end(hash: string, known: IntrospectedToken | undefined): void {
    memory.delete(hash);
    if (!known) return;
    known.standing.isActive = false;
    tokenSignals.checkSoon();
  }

  /** Examines an active answer, and caches the result. */
  function accept(hash: string, token: string, { claims, askedAt }: ActiveAnswer, askedAtMs: number, known: IntrospectedToken | undefined): Verification {
    const seconds = freshSeconds(claims, askedAt);
    const fresh = { freshUntilMs: askedAtMs + seconds * 1000, freshUntilSeconds: askedAt + seconds };
    const result = examine(token, claims, askedAt, fresh, known);
    if (!isVerified(result)) {
      end(hash, known);
      const { reason, cause } = result;
      if (!behaviourOf(reason).transient) memory.refuse(hash, { reason, cause, issuer }, askedAtMs + inactiveCacheSeconds * 1000);
      return result;
    }
    if (cacheSeconds > 0) memory.keep(hash, token, result);
    return result;
  }

  /** Never beyond `exp` (rule 74). */
  function freshSeconds(claims: JsonObject, askedAt: number): number {
    const exp = own(claims, 'exp');
    return isNumericDate(exp) ? Math.min(cacheSeconds, Math.max(0, exp - askedAt)) : cacheSeconds;
  }

  function examine(
    token: string,
    answer: JsonObject,
    askedAt: number,
    fresh: Freshness,
    known: IntrospectedToken | undefined,
  ): IntrospectedToken | VerificationFailure {
    const nowSeconds = clock.now() / 1000;
    const examined = examineAnswer(answer, introspection, rules, nowSeconds, Math.ceil(askedAt + cacheSeconds));
    if (isFailure(examined)) {
      if (examined.reason === 'issued_in_the_future') monitor.refusedAsFuture(name, own(answer, 'iat') as number, nowSeconds);
      return { ...examined, issuer };
    }
    const appClaims = schema && parseClaims(schema, examined.claims);
    if (typeof appClaims === 'string') return { reason: 'invalid_claim', cause: appClaims, issuer };
    const auth = buildAuth(token, examined, rules, appClaims);
    const confirmation = readConfirmation(examined.confirmation);
    const verified: IntrospectedToken = {
      reason: undefined,
      auth,
      issuer,
      key: undefined,
      standing: standingFor(known, fresh),
      notBefore: examined.notBefore,
      confirmation,
    };
    auth.admit({ verified, tokenSignals, trust });
    if (!known) monitor.verified(auth, nowSeconds);
    evaluateShadowOf(verified, nowSeconds);
    return verified;
  }

  /** The profile of JWTs does not apply, so the token counts as one of the right type. */
  function evaluateShadowOf({ auth }: IntrospectedToken, nowSeconds: number): void {
    if (shadow) evaluateShadow(shadow, { auth, issuer, algorithm: undefined, type: 'at+jwt' }, nowSeconds);
  }

  return {
    introspect(token, nowSeconds) {
      const hash = answerName(introspection.identity, token);
      const known = memory.active(hash);
      if (known && isFresh(known.standing, clock, nowSeconds)) {
        const { auth, notBefore } = known;
        const timeFailure = examineTime(auth.expiresAt, notBefore, auth.issuedAt, rules, nowSeconds);
        if (timeFailure) return { ...timeFailure, issuer };
        evaluateShadowOf(known, nowSeconds);
        return known;
      }
      return memory.refused(hash, clock.monotonic()) ?? underWay.get(hash) ?? startIntrospection(hash, token, known);
    },
    async warm() {
      const limit = timeLimit();
      try {
        await client.warm(limit.signal);
      } finally {
        limit.end();
      }
    },
    health() {
      const { active, refused } = memory.size;
      const { asking, waiting } = queue.size;
      const [ofKnown, ofOthers] = [circuits.of(true), circuits.of(false)];
      const isOpen = ofKnown.isOpen || ofOthers.isOpen;
      return {
        issuer: name,
        endpoint: client.address === undefined ? undefined : printableUrl(client.address),
        // while tokens are in use, those decide: strangers must not make a process count as unready
        usable: client.address !== undefined && !(active > 0 ? ofKnown : ofOthers).isOpen,
        activeTokens: active,
        refusedTokens: refused,
        asking,
        waiting,
        retryInSeconds: isOpen ? Math.max(ofKnown.pauseSeconds, ofOthers.pauseSeconds) : undefined,
        lastError: joinedErrors(ofOthers.lastError, client.renewalError, introspection.fileError()),
      };
    },
    close() {
      isClosed = true;
      for (const controller of limits) controller.abort(new Error(CLOSED));
      client.close();
      outages.forget(name);
    },
  };
}

const CLOSED = 'the guard is closed';

/** Requests that still use the token share what is known of it, so a later answer reaches them. */
function standingFor(known: IntrospectedToken | undefined, fresh: Freshness): Standing {
  if (!known?.standing.isActive) return { isActive: true, ...fresh };
  return Object.assign(known.standing, fresh);
}

type Freshness = Pick<Standing, 'freshUntilMs' | 'freshUntilSeconds'>;
