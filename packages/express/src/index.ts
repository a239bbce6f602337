import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  accessFor,
  assertDenial,
  authOf,
  createNativeGuard,
  receiveInto,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import { createGuarding } from './guarding.js';
import { view } from './view.js';

export * from '@tokenward/core';

declare global {
  // the only way in which Express lets a property of its request be typed
  // eslint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The `Auth` of the request. Undefined if no guard has authenticated it; `getAuth(req)` throws then. */
      auth?: Auth | undefined;
    }
  }
}

export type ExpressGuardOptions = AdapterOptions<[request: Request, response: Response]>;

/**
 * Admits a request to what stands behind it, or refuses it: middleware, for an app, a router or a route. Called by hand without `next` it gives a
 * promise that is fulfilled once the request is admitted. Where it is refused the answer is sent, and the promise never settles, so that nothing
 * behind `await` runs.
 *
 * @example await guard(scope('orders:read'))(req, res);
 */
export interface Guard {
  (request: Express.Request, response: Express.Response, next: NextFunction): void;
  (request: Express.Request, response: Express.Response): Promise<void>;
}

/** What {@link createGuard} returns: to hand it to routers, type their parameter so. `C` is the type of the claims that it finds. */
export interface ExpressGuard<C extends object = AppClaims> extends GuardMethods<RequestHandler, Express.Request | IncomingMessage, C> {
  /**
   * A valid access token is needed, and all of these policies.
   *
   * @example guard((req) => claim('tenant', req.params.tenant))
   */
  (...policies: readonly RoutePolicy<Request>[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly RoutePolicy<Request>[]): Guard;
  /**
   * Decides on a request, and answers nothing: for the `upgrade` of a WebSocket, say. It takes Express' request or Node's own.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: Request | IncomingMessage, ...policies: readonly RoutePolicy<Request>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Answers a refusal, of `permit` or `check`, as the guard answers its own: by `onDenied`, where that is given. From then on nobody else can answer,
   * whether or not they wait. The promise is fulfilled once the answer was made, and is never rejected.
   *
   * @throws ConfigurationError where it is given no refusal, or no request and response
   */
  refuse(decision: Deny, request: Request, response: Response): Promise<void>;
  /** Gives up what is under way: for an orderly shutdown. */
  close(): Promise<void>;
}

/**
 * Makes the guard of one API. With no options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
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

  return Object.assign((...policies: readonly RoutePolicy<Request>[]) => guardWith(accessFor('required', policies)) as Guard, {
    optional: (...policies: readonly RoutePolicy<Request>[]) => guardWith(accessFor('optional', policies)) as Guard,
    ...native.methods(handlerOf),
    check: (request: Request | IncomingMessage, ...policies: readonly RoutePolicy<Request>[]) => native.check(request as Request, policies),
    refuse(decision: Deny, request: Request, response: Response) {
      assertDenial(decision);
      return guardWith.refuse(decision, request, response);
    },
    close: native.close,
  });
}

function handlerOf(receive: MessageReceiver): RequestHandler {
  return (request, response, next) => void receiveInto(request, response, request.body, receive).catch(next);
}

/**
 * Returns the `Auth` of a request, as the last guard on its way found it.
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
