import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver, Register } from '@tokenward/core';
import {
  assertDenial,
  authOf,
  createNativeGuard,
  receiveInto,
  serveMetadata,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type RoutePolicy,
  type MetadataEndpoint,
} from '@tokenward/core/adapter';
import { createGuarding } from './guarding.js';
import { view } from './view.js';

export * from '@tokenward/core';

/** The type of `req.auth`. If another package declares the same property, declare the member `requestAuth` of `Register`, with a type that fits both. */
type RequestAuth = Register extends { readonly requestAuth: infer Declared } ? Declared : Auth;

declare global {
  // the only way to type a property of Express' request
  // eslint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The `Auth` of the request. Undefined if no guard has authenticated it; `getAuth(req)` throws then. */
      auth?: RequestAuth | undefined;
    }
  }
}

export type ExpressGuardOptions = AdapterOptions<[request: Request, response: Response]>;

/**
 * Middleware that admits a request or refuses it, for an app, a router or a route. If you call it without `next`, it returns a promise that is fulfilled
 * once the request is admitted. On a refusal it sends the answer, and the promise never settles, so nothing after `await` runs.
 *
 * @example await guard(scope('orders:read'))(req, res);
 */
export interface Guard {
  (request: Express.Request, response: Express.Response, next: NextFunction): void;
  (request: Express.Request, response: Express.Response): Promise<void>;
}

/** What {@link createGuard} returns. Use it as the type of a parameter, to pass the guard to routers. `C` is the type of the claims in its tokens. */
export interface ExpressGuard<C extends object = AppClaims> extends GuardMethods<RequestHandler, Express.Request | IncomingMessage, C> {
  /**
   * Returns a guard that requires a valid access token which satisfies all of these policies.
   *
   * @example guard((req) => claim('tenant', req.params.tenant))
   */
  (...policies: readonly RoutePolicy<Request>[]): Guard;
  /** Returns a guard that also admits requests without credentials. A token must still be valid and satisfy all of these policies. */
  optional(...policies: readonly RoutePolicy<Request>[]): Guard;
  /**
   * Decides on a request and answers nothing, for example for the `upgrade` of a WebSocket. It takes Express' request or Node's own.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: Request | IncomingMessage, ...policies: readonly RoutePolicy<Request>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Answers a refusal of `permit` or `check` as the guard answers its own, through `onDenied` if there is one. From then on no other code can answer, even
   * if the promise is not awaited. The promise is fulfilled once the answer is made. It never rejects.
   *
   * @throws ConfigurationError if the decision is not a refusal, or without a request and its response
   */
  refuse(decision: Deny, request: Request, response: Response): Promise<void>;
  /**
   * Returns middleware that serves the metadata of this API (RFC 9728). Use it on the app itself, without a path and in front of everything else. Anybody may
   * read the metadata. Challenges name its address from now on.
   *
   * @example app.use(guard.metadata());
   */
  metadata(): RequestHandler;
  /** Stops timers, and refuses requests that wait for keys, with 503. Call it at shutdown. */
  close(): Promise<void>;
}

/**
 * Creates the guard of one API. Without options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const guard = createGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * app.use(guard());
 * app.get('/orders', guard(scope('orders:read')), (req, res) => res.json({ for: getAuth(req).subject }));
 */
export function createGuard<C extends object>(options: ExpressGuardOptions & { readonly claims: ClaimsSchema<C> }): ExpressGuard<C>;
export function createGuard(options?: ExpressGuardOptions): ExpressGuard<ClaimsWithoutSchema>;
export function createGuard(options: ExpressGuardOptions = {}): ExpressGuard {
  const native = createNativeGuard<Request, [request: Request, response: Response]>(options, view);
  const guardWith = createGuarding(native);

  return Object.assign((...policies: readonly RoutePolicy<Request>[]) => guardWith(native.requirementsFor('required', policies)) as Guard, {
    optional: (...policies: readonly RoutePolicy<Request>[]) => guardWith(native.requirementsFor('optional', policies)) as Guard,
    ...native.methods(handlerOf),
    metadata: () => middlewareFor(native.metadata()),
    check: (request: Request | IncomingMessage, ...policies: readonly RoutePolicy<Request>[]) => native.check(request as Request, policies),
    refuse(decision: Deny, request: Request, response: Response) {
      assertDenial(decision);
      return guardWith.refuse(decision, request, response);
    },
    close: native.close,
  });
}

function middlewareFor(endpoint: MetadataEndpoint): RequestHandler {
  return (request, response, next) => {
    if (!serveMetadata(request, response, endpoint)) next();
  };
}

function handlerOf(receive: MessageReceiver): RequestHandler {
  return (request, response, next) => void receiveInto(request, response, request.body, receive).catch(next);
}

/**
 * Returns the `Auth` that the last guard found for a request.
 *
 * @throws ConfigurationError if no guard has admitted the request, or if an optional guard admitted it without authentication
 */
export function getAuth<C extends object = AppClaims>(request: Express.Request | IncomingMessage): Auth<C>;
/**
 * Returns the `Auth` of a request, or undefined if an optional guard admitted it without authentication.
 *
 * @throws ConfigurationError if no guard has admitted the request
 */
export function getAuth<C extends object = AppClaims>(request: Express.Request | IncomingMessage, optional: 'optional' | undefined): Auth<C> | undefined;
export function getAuth(request: object, optional?: 'optional'): Auth | undefined {
  return authOf(request, optional);
}
