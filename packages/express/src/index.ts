import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Auth, Claims, Decision, MessageReceiver, Policy } from '@tokenward/core';
import { accessOf, applyHeaders, asError, authOf, createNativeGuard, isAnswered, receiveInto, sendDenial } from '@tokenward/core/adapter';
import type { AdapterOptions, GuardMethods } from '@tokenward/core/adapter';
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

/** Admits a request to what stands behind it, or refuses it. */
export type Guard = (request: Express.Request, response: Express.Response, next: NextFunction) => void;

/**
 * A {@link Guard} that lets requests without credentials through. The last way to call it is the one from which TypeScript infers the type of
 * `res.locals` in the handlers that stand on the same route, and that type tells `getAuth` so. Nothing of it exists at run time.
 */
export interface OptionalGuard {
  (request: Express.Request, response: Express.Response, next: NextFunction): void;
  (request: BehindOptionalGuard, response: NonNullable<BehindOptionalGuard['res']>, next: NextFunction): void;
}

declare const OPTIONAL: unique symbol;

/** The request of a handler that stands on one route with an optional guard. */
export interface BehindOptionalGuard {
  readonly res?: { readonly locals: { readonly [OPTIONAL]: true } } | undefined;
}

export interface ExpressGuard extends GuardMethods<RequestHandler> {
  /** A valid access token is needed, and all of these policies. */
  (...policies: readonly Policy[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly Policy[]): OptionalGuard;
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
  const { decide, onDenied, methods, close } = createNativeGuard(options, view);

  function guardWith(credentials: 'required' | 'optional', policies: readonly Policy[]) {
    const mounted = accessOf(credentials, policies, 'pass');
    const onRoute = accessOf(credentials, policies);

    return (request: Request, response: Response, next: NextFunction): void => {
      function settle(decision: Decision): void {
        if (decision.outcome === 'allow') {
          applyHeaders(response, decision.headers);
          next();
        } else if (onDenied) {
          new Promise((resolve) => resolve(onDenied(decision, request, response))).catch((error: unknown) => next(asError(error)));
        } else {
          sendDenial(response, decision);
        }
      }
      // a route that takes OPTIONS, such as one of app.all, would run its handler for a preflight
      const decision = decide(request, request.route ? onRoute : mounted);
      if (!(decision instanceof Promise)) settle(decision);
      else decision.then((settled) => isAnswered(response) || settle(settled)).catch((error: unknown) => next(asError(error)));
    };
  }

  return Object.assign((...policies: readonly Policy[]) => guardWith('required', policies) as Guard, {
    optional: (...policies: readonly Policy[]) => guardWith('optional', policies) as OptionalGuard,
    ...methods(handlerOf),
    close,
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
