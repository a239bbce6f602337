import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Auth, Claims, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  accessFor,
  assertDenial,
  authOf,
  createNativeGuard,
  receiveInto,
  type AdapterOptions,
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
      /** Who the request is from, behind a guard of @tokenward/express. `getAuth(req)` is the same without the `undefined`. */
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

/**
 * A {@link Guard} that lets requests without credentials through. The last way to call it is the one from which TypeScript infers the type of
 * `res.locals` in the handlers that stand on the same route, and that type tells `getAuth` so. Nothing of it exists at run time.
 */
export interface OptionalGuard {
  (request: Express.Request, response: Express.Response): Promise<void>;
  (request: Express.Request, response: Express.Response, next: NextFunction): void;
  (request: BehindOptionalGuard, response: NonNullable<BehindOptionalGuard['res']>, next: NextFunction): void;
}

declare const OPTIONAL: unique symbol;

/** The request of a handler that stands on one route with an optional guard. */
export interface BehindOptionalGuard {
  readonly res?: { readonly locals: { readonly [OPTIONAL]: true } } | undefined;
}

/** What {@link createGuard} makes: to hand it to routers, type their parameter so. */
export interface ExpressGuard extends GuardMethods<RequestHandler, Request | IncomingMessage> {
  /**
   * A valid access token is needed, and all of these policies.
   *
   * @example guard((req) => claim('tenant', req.params.tenant))
   */
  (...policies: readonly RoutePolicy<Request>[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly RoutePolicy<Request>[]): OptionalGuard;
  /**
   * Decides on a request, and answers nothing: for the `upgrade` of a WebSocket, say. It takes Express' request or Node's own.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: Request | IncomingMessage, ...policies: readonly RoutePolicy<Request>[]): Decision | Promise<Decision>;
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
export function createGuard(options: ExpressGuardOptions = {}): ExpressGuard {
  const native = createNativeGuard<Request, [request: Request, response: Response]>(options, view);
  const guardWith = createGuarding(native);

  return Object.assign((...policies: readonly RoutePolicy<Request>[]) => guardWith(accessFor('required', policies)) as Guard, {
    optional: (...policies: readonly RoutePolicy<Request>[]) => guardWith(accessFor('optional', policies)) as OptionalGuard,
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
 * Who the request is from. Behind `guard.optional()` it may be undefined, and a handler that stands on the same route as that guard sees
 * so by its type.
 *
 * @throws Error where no guard admitted the request
 */
export function getAuth<C extends object = Claims>(request: BehindOptionalGuard): Auth<C> | undefined;
export function getAuth<C extends object = Claims>(request: Express.Request): Auth<C>;
export function getAuth<C extends object>(request: object): Auth<C> | undefined {
  return authOf<C>(request);
}
