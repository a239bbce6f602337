import { randomBytes } from 'node:crypto';
import { buildAuth } from '../access-token/build-auth.js';
import { examineClaims } from '../access-token/claims.js';
import { parseClaims } from '../access-token/claims-schema.js';
import type { TrustCheck } from '../access-token/trust-check.js';
import type { TokenVerifier, Verification, VerifiedToken } from '../access-token/verifier.js';
import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { Binding } from '../binding/binding.js';
import { readConfirmation } from '../binding/confirmation.js';
import type { Issuer, Issuers } from '../issuer/issuer.js';
import { isFailure } from '../issuer/verification-failure.js';
import type { Standing } from '../issuer/verified-key.js';
import { issuerMismatch } from '../issuer/verifying-key.js';
import type { Clock } from '../lib/clock.js';
import { misuse } from '../lib/configuration-error.js';
import { parseStrictObject } from '../lib/json.js';
import { createLruMap } from '../lib/lru.js';
import { isProduction } from '../lib/production.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { TokenSignals } from '../revocation/token-signals.js';
import { claimsOfCaller, type TestCaller } from './test-claims.js';

/** The key of the method by which a test acts as somebody at a guard. Registered, so that two copies of this package understand each other. */
export const ACT_IN_TESTS: unique symbol = Symbol.for('tokenward.actInTests') as never;

/** Issues tickets. A ticket stands for an access token with claims that the test chose, and for the proof of possession if the guard demands one. */
export interface TestTickets {
  /**
   * Returns a ticket, to send as a bearer token. Only the guard that issued it, in this process, accepts it.
   *
   * @throws ConfigurationError if `NODE_ENV` is `production`, or if no token of the guard's issuer can have these claims
   */
  issue(caller: TestCaller): string;
}

export interface TestTicketsConfig {
  readonly issuers: Issuers;
  readonly claims: ClaimsSchema | undefined;
  readonly trust: TrustCheck;
  readonly tokenSignals: TokenSignals;
  readonly clock: Pick<Clock, 'now'>;
}

interface Ticket {
  readonly issuer: string;
  /** The text of the claims; undefined if it is known only once the issuer of the request is. */
  readonly text: string | undefined;
  readonly caller: TestCaller;
  readonly issuedAt: number;
}

/** More tickets than the tests of a process need at a time. The least recently used one is dropped first. */
const MAX_TICKETS = 10_000;
/** No key and no server vouches for a ticket: the test does, as long as the process lives. */
const VOUCHED_BY_TEST: Standing = Object.freeze({ isActive: true, freshUntilMs: Infinity, freshUntilSeconds: Infinity });

/**
 * Creates the tickets of one guard. Nothing creates them but {@link ACT_IN_TESTS}, so a guard that no test has called has no code that knows tickets.
 *
 * @throws ConfigurationError if `NODE_ENV` is `production`
 */
export function createTestTickets(config: TestTicketsConfig): TestTickets & {
  /** Returns the verifier and the binding of the guard, for tickets too. */
  around(verifier: TokenVerifier, binding: Binding): { readonly verifier: TokenVerifier; readonly binding: Binding };
} {
  const { issuers, clock } = config;
  refuseInProduction();
  const tickets = createLruMap<Ticket>(MAX_TICKETS);
  const verified = new WeakSet<object>();

  function verify(token: string, ticket: Ticket, request: ProtectedRequest, nowSeconds: number): Verification | Promise<Verification> {
    const issuer = issuers.find(ticket.issuer, request);
    if (!(issuer instanceof Promise)) return verifyAt(issuer, token, ticket, nowSeconds);
    return issuer.then(
      (late) => verifyAt(late, token, ticket, clock.now() / 1000),
      (cause: unknown) => ({ reason: 'issuer_unavailable', cause }),
    );
  }

  /** Does with the claims of a ticket what a verifier does with those of a token whose signature it has verified. */
  function verifyAt(issuer: Issuer | undefined, token: string, ticket: Ticket, nowSeconds: number): Verification {
    if (!issuer) return issuerMismatch(ticket.issuer, issuers.names);
    const { trust, tokenSignals } = config;
    const claims = parseStrictObject(Buffer.from(ticket.text ?? claimsOfCaller(ticket.caller, issuer.rules, ticket.issuedAt)))!;
    const examined = examineClaims(claims, issuer.rules, nowSeconds, 'at+jwt');
    if (isFailure(examined)) return { ...examined, issuer };
    const appClaims = config.claims && parseClaims(config.claims, claims);
    if (typeof appClaims === 'string') return { reason: 'invalid_claim', cause: appClaims, issuer };
    const auth = buildAuth(token, examined, issuer.rules, appClaims);
    const confirmation = readConfirmation(examined.confirmation);
    const found: VerifiedToken = { reason: undefined, auth, issuer, confirmation };
    auth.admit({ verified: { issuer, key: undefined, standing: VOUCHED_BY_TEST }, trust, tokenSignals });
    if (confirmation === undefined) verified.add(found);
    return found;
  }

  return {
    issue(caller) {
      refuseInProduction();
      const issuedAt = Math.floor(clock.now() / 1000);
      const issuer = caller.issuer ?? defaultIssuer(issuers);
      const known = issuerNow(issuers, issuer);
      const text = known && claimsOfCaller(caller, known.rules, issuedAt);
      const token = `test-ticket-${randomBytes(32).toString('base64url')}`;
      tickets.set(token, { issuer, text, caller, issuedAt });
      return token;
    },
    around: (verifier, binding) => ({
      verifier: {
        verify(credentials, request, nowSeconds) {
          const ticket = isProduction() ? undefined : tickets.get(credentials.token);
          return ticket ? verify(credentials.token, ticket, request, nowSeconds) : verifier.verify(credentials, request, nowSeconds);
        },
      },
      binding: {
        /** A ticket without `cnf` needs no proof. One with `cnf` is bound like a token. */
        check: (token, credentials, request, nowSeconds) => (verified.has(token) ? undefined : binding.check(token, credentials, request, nowSeconds)),
      },
    }),
  };
}

/** Returns the first issuer of the options that exists without a token. */
function defaultIssuer(issuers: Issuers): string {
  const name = issuers.names.find((one) => issuerNow(issuers, one) !== undefined);
  if (name !== undefined) return name;
  throw misuse('issuer', "is missing: only a token says which issuer of this guard it is from. Write as({ issuer: 'https://...' })");
}

/** Returns undefined for an issuer that is unknown, or known only later. */
function issuerNow({ find }: Issuers, name: string): Issuer | undefined {
  const found = find(name, undefined);
  if (!(found instanceof Promise)) return found;
  // the request decides
  found.catch(() => {});
  return undefined;
}

function refuseInProduction(): void {
  if (isProduction()) throw misuse('actAs()', 'lets a test act as anybody, so it does not work if NODE_ENV is "production"');
}
