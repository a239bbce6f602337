import { createDecryptor } from './access-token/decryptor.js';
import { createTokenCache } from './access-token/token-cache.js';
import { createTrustCheck } from './access-token/trust-check.js';
import { isWithinLifetime, trustFailure, VerifiedAuth } from './access-token/verified-auth.js';
import { createIntrospection, createTokenVerifier } from './access-token/token-verifier.js';
import { createJwtVerifier } from './access-token/verify.js';
import type { ClaimsWithoutSchema } from './auth/app-claims.js';
import { assertAuth } from './auth/assert-auth.js';
import type { Auth } from './auth/auth.js';
import type { ClaimsSchema } from './auth/claims-schema.js';
import { createBinding, type Binding } from './binding/binding.js';
import { createProofChecker } from './binding/dpop.js';
import { createCertificateCheck } from './binding/mtls.js';
import type { Allow, Decision, Deny, ResponseHeaders } from './decision/decision.js';
import { createDenial } from './decision/denial.js';
import { acceptedSchemes, schemeOf } from './decision/schemes.js';
import type { MetadataEndpoint } from './decision/resource-metadata.js';
import { pendingDecision } from './decision/pending-decision.js';
import { publish } from './events/events.js';
import { createMonitor } from './events/monitoring.js';
import { createAuthenticator, type Authentication, type AuthenticatorConfig } from './guard/authenticator.js';
import { createDecisionReporter } from './guard/decision-reporter.js';
import { withNonce } from './guard/nonce-headers.js';
import { createMetadataEndpoint } from './guard/metadata-endpoint.js';
import { createRevocationCheck } from './guard/revocation-check.js';
import { createSessionReader } from './guard/session-reader.js';
import { ACT_IN_TESTS, createTestTickets, type TestTickets } from './guard/test-tickets.js';
import { nameOf, type IssuerHealth } from './issuer/issuer.js';
import type { VerificationFailure } from './issuer/verification-failure.js';
import { KeysUnavailableError } from './keys/remote-keys.js';
import { throwRejections } from './lib/rejections.js';
import { IssuerRequestError } from './net/issuer-request-error.js';
import { describeInOpenApi, type OpenApiDescription } from './openapi/describe.js';
import type { OpenApiOptions } from './openapi/options.js';
import { securedApi } from './openapi/secured-api.js';
import { parseOptions, type GuardOptions } from './options.js';
import { evaluatePolicy, sufficientScopes } from './policy/evaluate.js';
import { assertPolicy } from './policy/kinds.js';
import { withPassed, type PassedPolicies } from './policy/passed-policies.js';
import type { Policy, RoutePolicies } from './policy/policy.js';
import { assertRequirements, type RouteRequirements } from './policy/route-requirements.js';
import { isPreflight } from './request/preflight.js';
import type { ProtectedRequest } from './request/protected-request.js';
import { assertRequest } from './request/request-shape.js';
import type { GuardHealth, ResourceGuard } from './resource-guard.js';
import { createRevocations } from './revocation/revocations.js';
import { RevocationStoreError } from './revocation/store.js';
import { createTokenSignals, type TokenSignals } from './revocation/token-signals.js';
import { createBackchannelLogout, type BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import { createSharedSignals, type SharedSignalsOptions } from './security-event/shared-signals.js';
import { behaviourOf } from './vocabulary/reason.js';

/** What other parts of this package can ask a guard, in addition to its own methods. */
interface HiddenChecks {
  /** Publishes no event. */
  readonly silently: ResourceGuard['check'];
  readonly behindProof: (request: ProtectedRequest, requirements: RouteRequirements) => Promise<Deny | undefined>;
  readonly repeated: RepeatedChecks;
}

/** Checks of a request that the same guard may have admitted before, by other policies. A refusal also names what those require. */
export interface RepeatedChecks {
  check(request: ProtectedRequest, requirements: RouteRequirements, passed: PassedPolicies | undefined): Decision | Promise<Decision>;
  permit<A extends Auth<object>>(auth: A, policy: Policy, request: ProtectedRequest, passed: PassedPolicies | undefined): Decision<A>;
}

const hiddenChecks = new WeakMap<object, HiddenChecks>();

/**
 * Decides as `guard.check` would at this moment, and publishes no event: for an adapter that needs the decision before its actual check. The adapter must pass
 * another request object than to that check, because the guard remembers the result with the object.
 */
export function checkSilently(guard: ResourceGuard, request: ProtectedRequest, requirements: RouteRequirements): Decision | Promise<Decision> {
  const silently = hiddenChecks.get(guard)?.silently;
  return silently ? silently(request, requirements) : guard.check(request, requirements);
}

/** Returns the checks by which an adapter's guards decide on one request several times. For a guard of another copy of the package, returns the guard itself. */
export function repeatedChecksOf(guard: ResourceGuard): RepeatedChecks {
  return hiddenChecks.get(guard)?.repeated ?? guard;
}

/**
 * Returns the refusal that a request would get if its sender had proved that it may use the token; undefined if there is none. It is for tools that find out
 * what else is wrong with a bound token. It admits nobody, and publishes no event.
 *
 * @param guard a guard of this copy of the package: no other copy's can be asked
 */
export async function refusalBehindProof(guard: ResourceGuard, request: ProtectedRequest, requirements: RouteRequirements): Promise<Deny | undefined> {
  return hiddenChecks.get(guard)!.behindProof(request, requirements);
}

const PROVEN: Binding = { check: () => undefined };
const NO_HEADERS: ResponseHeaders = Object.freeze({});
const ANONYMOUS: Allow<undefined> = Object.freeze({ outcome: 'allow', auth: undefined, headers: NO_HEADERS });

/**
 * Creates the guard of one API.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const guard = createResourceGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * const decision = await guard.check({ method: 'GET', target: '/orders', headers: request.headersDistinct }, { policy: scope('orders:read') });
 */
export function createResourceGuard<C extends object>(options: GuardOptions & { readonly claims: ClaimsSchema<C> }): ResourceGuard<C>;
export function createResourceGuard(options?: GuardOptions): ResourceGuard<ClaimsWithoutSchema>;
export function createResourceGuard(options: GuardOptions = {}): ResourceGuard {
  const config = parseOptions(options);
  const { issuers, clock, clockSkewSeconds, scopeHierarchy } = config;
  const { store } = config.revocations;
  const trust = createTrustCheck(issuers, clock, () => tokenSignals.checkSoon());
  const revocation = createRevocationCheck(store, clock);
  const tokenSignals: TokenSignals = createTokenSignals(clock, { isRevoked: revocation.isRevoked, endReasonOf: trust.endReasonOf });
  const monitor = createMonitor(config.monitoring, clock);
  const { revocations, byEvents } = createRevocations(config.revocations, issuers, clock, monitor.aheadOf);
  const unsubscribe = [store.onAdded(tokenSignals.checkSoon), store.onOverflow((overflow) => publish('tokenward:revocations-overflowed', overflow))];
  const cache = config.tokenCache && createTokenCache(config.tokenCache);
  const decryptor = config.decryption && createDecryptor(config.decryption);
  const introspection = createIntrospection(issuers.introspecting, { ...config, tokenSignals, trust, monitor });
  const { dpop, senderConstraint, maxTokenBytes } = config;
  const proofs = { dpop: dpop !== undefined, mtls: true };
  const jwts = createJwtVerifier({ ...config, proofs, cache, tokenSignals, trust, monitor, introspection, decryptor, now: () => clock.now() });
  const session = config.session && createSessionReader(config.session, maxTokenBytes);
  const proofChecker = dpop && createProofChecker(dpop, config.publicOrigin);
  const binding = createBinding({
    checkProof: proofChecker?.check,
    checkCertificate: createCertificateCheck(config.clientCertificate),
    senderConstraint,
  });
  const authenticatorConfig: AuthenticatorConfig = {
    verifier: createTokenVerifier(jwts, introspection, decryptor !== undefined),
    binding,
    acceptsDpop: dpop !== undefined,
    maxTokenBytes,
    elsewhere: config.credentials,
    session,
    isCaching: cache !== undefined || introspection !== undefined,
    trust,
    tokenSignals,
    clock,
  };
  let authenticate = createAuthenticator(authenticatorConfig);
  let testTickets: TestTickets | undefined;
  const schemes = acceptedSchemes(dpop?.algorithms, senderConstraint);
  let deny = createDenial({ ...config, schemes });
  const { start, report, reportAnonymous, reportRevokedToken } = createDecisionReporter({ name: config.name, defaultIssuer: issuers.name, clock });

  function check(request: ProtectedRequest, requirements: RouteRequirements = {}, passed?: PassedPolicies): Decision | Promise<Decision> {
    assertRequest(request);
    assertRequirements(requirements);
    if (requirements.preflight === 'pass' && Object.hasOwn(requirements, 'preflight') && isPreflight(request)) return report(ANONYMOUS, undefined);
    const startedAt = start();
    const nowSeconds = readSeconds();
    const authentication = authenticate(request, nowSeconds);
    return authentication instanceof Promise
      ? pendingDecision(authentication.then((settled) => decideAndReport(settled, request, requirements, passed, readSeconds(), startedAt)))
      : decideAndReport(authentication, request, requirements, passed, nowSeconds, startedAt);
  }

  function checkUnreported(request: ProtectedRequest, requirements: RouteRequirements = {}): Decision | Promise<Decision> {
    const nowSeconds = readSeconds();
    const authentication = authenticate(request, nowSeconds);
    return authentication instanceof Promise
      ? authentication.then((settled) => decide(settled, request, requirements, undefined, readSeconds(), false))
      : decide(authentication, request, requirements, undefined, nowSeconds, false);
  }

  async function denialBehindProof(request: ProtectedRequest, requirements: RouteRequirements): Promise<Deny | undefined> {
    const authentication = await createAuthenticator({ ...authenticatorConfig, binding: PROVEN })(request, readSeconds());
    const decision = decide(authentication, request, requirements, undefined, readSeconds(), false);
    return decision.outcome === 'deny' ? decision : undefined;
  }

  function decideAndReport(
    authentication: Authentication,
    request: ProtectedRequest,
    requirements: RouteRequirements,
    passed: PassedPolicies | undefined,
    nowSeconds: number,
    startedAt: number | undefined,
  ): Decision {
    const decision = decide(authentication, request, requirements, passed, nowSeconds);
    if (!(authentication instanceof VerifiedAuth)) {
      if (decision.outcome === 'allow') return reportAnonymous(decision, authentication, startedAt, request);
      return report(decision, authentication.issuer && nameOf(authentication.issuer), startedAt, request);
    }
    if (decision.outcome === 'allow') {
      monitor.accepted(authentication, request);
      // nobody observes decisions
      if (startedAt === undefined) return decision;
    }
    return report(decision, authentication.issuer, startedAt, request, authentication);
  }

  function decide(
    authentication: Authentication,
    request: ProtectedRequest,
    requirements: RouteRequirements,
    passed: PassedPolicies | undefined,
    nowSeconds: number,
    isReported?: boolean,
  ): Decision {
    const decision = decideWithoutHeaders(authentication, request, requirements, passed, nowSeconds, isReported);
    const nonce = dpop?.nonces && proofChecker!.newNonceFor(request);
    const answer = nonce === undefined ? decision : withNonce(decision, nonce);
    return session ? session.withCookies(answer, request) : answer;
  }

  function decideWithoutHeaders(
    authentication: Authentication,
    request: ProtectedRequest,
    requirements: RouteRequirements,
    passed: PassedPolicies | undefined,
    nowSeconds: number,
    isReported?: boolean,
  ): Decision {
    if (authentication instanceof VerifiedAuth) return permit(authentication, requirements.policy, passed, nowSeconds, request, isReported);
    const isOptional = requirements.credentials === 'optional' && Object.hasOwn(requirements, 'credentials');
    return behaviourOf(authentication.reason).isAnonymous && isOptional ? ANONYMOUS : refuse(authentication, requirements, passed);
  }

  function refuse(failure: VerificationFailure, { policy }: RouteRequirements, passed: PassedPolicies | undefined): Deny {
    const { reason } = failure;
    const needed = behaviourOf(reason).namesScope ? withPassed(policy, passed) : undefined;
    return deny(reason, needed ? { ...failure, scope: sufficientScopes(needed) } : failure);
  }

  function permit(
    auth: Auth,
    policy: RouteRequirements['policy'],
    passed: PassedPolicies | undefined,
    nowSeconds: number,
    request?: ProtectedRequest,
    isReported = true,
  ): Decision<Auth> {
    if (!isWithinLifetime(auth, nowSeconds)) return deny('expired', { cause: 'exp', scheme: schemeOf(auth) });
    const revoked = revocation.failureOf(auth, nowSeconds);
    if (revoked) {
      if (revoked.record && isReported) reportRevokedToken(auth, revoked.record, nowSeconds, request);
      return deny(revoked.reason, { ...revoked.details, scheme: schemeOf(auth) });
    }
    const failure = policy && evaluatePolicy(policy, { auth, request, nowSeconds, clockSkewSeconds, scopeHierarchy }, passed);
    return failure ? deny(failure.reason, { ...failure.details, scheme: schemeOf(auth) }) : { outcome: 'allow', auth, headers: NO_HEADERS };
  }

  function permitAndReport(auth: Auth, policy: Policy, request?: ProtectedRequest, passed?: PassedPolicies): Decision<Auth> {
    assertPolicy('permit(auth, policy)', policy);
    assertAuth(auth);
    const failure = trustFailure(auth, request);
    const decision = failure ? refuse(failure, { policy }, passed) : permit(auth, policy, passed, readSeconds(), request);
    return report(session && request ? session.withCookies(decision, request) : decision, auth.issuer, undefined, request, auth);
  }

  function readSeconds(): number {
    return clock.now() / 1000;
  }

  async function warm(): Promise<void> {
    const fetched = issuers.known().flatMap(({ keys, introspectsAlways }) => (introspectsAlways ? [] : [keys.warm()]));
    const results = await Promise.allSettled([...fetched, introspection?.warm(), revocation.warm()]);
    // no warning repeats the failures of keys, so the caller learns of each issuer
    throwRejections(results, [KeysUnavailableError, RevocationStoreError, IssuerRequestError]);
  }

  function health(): GuardHealth {
    const known = issuers.known();
    const states = known.map(({ name, keys }): IssuerHealth => Object.assign({ issuer: name }, keys.health()));
    const listed = states.filter((_state, index) => known[index]!.isListed);
    const introspected = introspection?.health() ?? [];
    const canVerify = listed.length === 0 || [...listed, ...introspected].some(({ usable }) => usable);
    const revocationHealth = revocation.health();
    return {
      ready: canVerify && revocationHealth.usable,
      issuers: states,
      introspection: introspected,
      decryption: decryptor?.health(),
      tokenCache: cache?.health(),
      revocations: revocationHealth,
    };
  }

  function assertPolicies(path: string, policies: RoutePolicies): void {
    if (typeof policies !== 'function') policies.forEach((policy, index) => assertPolicy(`${path} item ${index}`, policy));
  }

  function metadata(policies: RoutePolicies = []): MetadataEndpoint {
    assertPolicies('guard.metadata(policies)', policies);
    const endpoint = createMetadataEndpoint(config, policies);
    deny = createDenial({ ...config, schemes, resourceMetadata: config.resourceMetadata ?? endpoint.url });
    return endpoint;
  }

  function openApi(given?: OpenApiOptions, policies: RoutePolicies = []): OpenApiDescription {
    assertPolicies('guard.openApi(options, policies)', policies);
    return describeInOpenApi(securedApi(config), given, () => (typeof policies === 'function' ? policies() : policies));
  }

  /** Until a test calls it, the guard has no code that knows tickets. */
  function actInTests(): TestTickets {
    if (testTickets) return testTickets;
    const tickets = createTestTickets({ issuers, claims: config.claims, trust, tokenSignals, clock });
    authenticate = createAuthenticator({ ...authenticatorConfig, ...tickets.around(authenticatorConfig.verifier, binding) });
    return (testTickets = tickets);
  }

  const methods: ResourceGuard = {
    check: (request, requirements) => check(request, requirements),
    permit: ((auth: Auth, policy: Policy, request?: ProtectedRequest) => permitAndReport(auth, policy, request)) as ResourceGuard['permit'],
    warm,
    revocations,
    backchannelLogout: (given: BackchannelLogoutOptions) => createBackchannelLogout(given, { issuers, revocations: byEvents, clock }),
    sharedSignals: (given: SharedSignalsOptions) => createSharedSignals(given, { issuers, revocations: byEvents, clock }),
    metadata,
    openApi,
    health,
    async close() {
      introspection?.close();
      decryptor?.close();
      issuers.close();
      revocation.close();
      for (const end of unsubscribe) end();
      tokenSignals.close();
    },
  };
  // not enumerable: tests must not act at a copy of a guard that has another `check`, as in tests of NestJS
  const guard = Object.freeze(Object.defineProperty(methods, ACT_IN_TESTS, { value: actInTests }));
  const repeated: RepeatedChecks = { check, permit: permitAndReport as RepeatedChecks['permit'] };
  hiddenChecks.set(guard, { silently: checkUnreported, behindProof: denialBehindProof, repeated });
  return guard;
}
