/**
 * Acts as somebody in a test, without an issuer and without keys.
 *
 * @module
 */
import { ACT_IN_TESTS, isProduction, misuse, type TestCaller, type TestTickets } from '@tokenward/core/adapter';
import { assertOptions, CALLER_OPTIONS, type CallerOptions } from './caller-options.js';

/** The caller that a test acts as. Every member has a default that the guard accepts. */
export interface Caller extends CallerOptions {
  /** `iss`. Default: the first issuer in the guard's options. A guard of many tenants needs it. */
  readonly issuer?: string | undefined;
}

/** The header of a request that acts as somebody: for supertest (`.set(as(...))`), `inject` and `fetch` (`headers: as(...)`). */
export type ActingHeaders = Readonly<Record<'authorization', string>>;

/**
 * Returns the header with which a request acts as a caller.
 *
 * @throws ConfigurationError for an unknown member, and if no token of the guard's issuer can have these claims
 */
export type ActAs = (caller?: Caller) => ActingHeaders;

const CALLER: readonly string[] = ['issuer', ...CALLER_OPTIONS];

refuseInProduction();

/**
 * Lets the tests of this process act as anybody at a guard. It needs no issuer, no keys and no network.
 *
 * The header contains an unguessable ticket that only this guard, in this process, accepts. Behind it, everything is as in production: the claims must satisfy
 * the guard's options and its claims schema, revocations apply, and the guard evaluates the policies of the route. The guard needs neither a signature nor a
 * proof of possession.
 *
 * @param guard what `createGuard` returned; `app.guard` or the app itself on Fastify; the application on NestJS
 * @param defaults of all callers
 * @throws ConfigurationError if it is not a guard, or if `NODE_ENV` is `production`
 *
 * @example
 * const as = actAs(guard);
 * await request(app).get('/orders').set(as({ subject: 'ada', scopes: ['orders:read'] })).expect(200);
 */
export function actAs(guard: object, defaults: Caller = {}): ActAs {
  refuseInProduction();
  assertOptions('actAs(guard, defaults)', defaults, CALLER);
  const tickets = ticketsOf(guard);
  return (caller = {}) => {
    assertOptions('as()', caller, CALLER);
    const whole: TestCaller = { ...defaults, ...caller, claims: { ...defaults.claims, ...caller.claims } };
    return { authorization: `Bearer ${tickets.issue(whole)}` };
  };
}

interface Actable {
  readonly [ACT_IN_TESTS]?: () => TestTickets;
}

function ticketsOf(given: object): TestTickets {
  const guard = guardIn(given);
  const method = guard?.[ACT_IN_TESTS];
  if (typeof method === 'function') return method();
  throw misuse(
    'actAs()',
    'needs a guard: what createGuard returned, app.guard on Fastify, or the application on NestJS, unless runAs or TokenwardTestingModule sets its caller',
  );
}

/** The registered injection token of the guards of a Nest application. */
const NEST_GUARDS = Symbol.for('tokenward.guards');

function guardIn(given: object): Actable | undefined {
  const some = Object(given) as Actable & { readonly guard?: Actable; readonly get?: unknown; readonly select?: unknown; readonly close?: unknown };
  if (ACT_IN_TESTS in some) return some;
  // an app of Express has a method `get` too, which would add a route
  if (typeof some.get === 'function' && typeof some.select === 'function') return nestGuard(some as NestContext);
  return typeof some.guard === 'function' ? some.guard : undefined;
}

/** A Nest application, or its testing module. */
interface NestContext {
  get(token: symbol, options: { readonly strict: false }): { get(name: string): Actable };
}

function nestGuard(context: NestContext): Actable | undefined {
  try {
    return context.get(NEST_GUARDS, { strict: false }).get('default');
  } catch {
    return undefined;
  }
}

function refuseInProduction(): void {
  if (!isProduction()) return;
  throw misuse('@tokenward/testing', 'lets tests act as anybody, so it does not load if NODE_ENV is "production"');
}
