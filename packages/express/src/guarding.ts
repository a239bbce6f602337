import {
  applyHeaders,
  asError,
  classOf,
  closeGate,
  isAnswered,
  isCalledBy,
  isDenial,
  markGuard,
  misuse,
  type AccessFor,
  type NativeGuard,
  type ResponseGate,
  sendDenial,
} from '@tokenward/core/adapter';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { type Decision, type Deny } from '@tokenward/core';
import { isMounted } from './mounted.js';

/** A guard in Express' form. Without `next` it gives a promise. */
type Guarding = (request: Request, response: Response, next?: NextFunction) => Promise<void> | undefined;

export interface CreateGuarding {
  (accessFor: AccessFor<Request>): Guarding;
  /** Answers a refusal. */
  answer(decision: Deny, request: Request, response: Response): void | Promise<void>;
}

const ADMITTED = Promise.resolve();

/**
 * Express calls a guard with a `next` of its own and waits for that. Whoever calls one by hand may wait for it or not, and may go on whatever it
 * says: then the response is closed to everybody else until the decision is there, and for good where it is a refusal.
 */
export function createGuarding({ decide, refused, onDenied }: NativeGuard<Request, [request: Request, response: Response]>): CreateGuarding {
  function answer(decision: Deny, request: Request, response: Response): void | Promise<void> {
    refused(decision, request);
    if (!onDenied) return sendDenial(response, decision);
    const given: unknown = onDenied(decision, request, response);
    if (isDenial(given)) return sendDenial(response, given);
    return Promise.resolve(given).then((settled) => (isDenial(settled) ? sendDenial(response, settled) : undefined));
  }

  function guardWith(accessFor: AccessFor<Request>): Guarding {
    const guard: Guarding = (request, response, given) => {
      const next = typeof given === 'function' ? given : undefined;
      assertCalled(request, response);
      // a route that takes OPTIONS, such as one of app.all, would run its handler for a preflight; so would whoever calls a guard by hand
      const passes = request.method === 'OPTIONS' && !request.route && isMounted(guard, request) && isCalledBy(EXPRESS_OWN);
      const decision = decide(request, accessFor(request, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise)) {
        // one that is mounted may be called by hand elsewhere: only the stack tells who calls now, and it is asked where that matters
        if (decision.outcome === 'deny') {
          const isExpress = next !== undefined && isMounted(guard, request) && isCalledBy(EXPRESS_OWN);
          return refuse(decision, request, response, isExpress ? next : undefined, isExpress ? undefined : closeGate(response));
        }
        applyHeaders(response, decision.headers);
        if (!next) return ADMITTED;
        next();
        return undefined;
      }
      const isExpress = next !== undefined && isMounted(guard, request) && isCalledBy(EXPRESS_OWN);
      return settleLater(decision, request, response, next, isExpress ? undefined : closeGate(response));
    };
    return markGuard(guard);

    /** Without a gate it was Express that called, with a `next` of its own. By hand the promise never settles: nothing behind an `await` runs. */
    function refuse(
      decision: Deny,
      request: Request,
      response: Response,
      next: NextFunction | undefined,
      gate: ResponseGate | undefined,
    ): Promise<void> | undefined {
      if (!gate) {
        answered(() => answer(decision, request, response), () => {}, (error) => next?.(error)); // prettier-ignore
        return undefined;
      }
      const seal = (): void => {
        if (response.headersSent) gate.seal();
      };
      answered(
        () => answer(decision, request, gate.pass as Response),
        seal,
        (error) => {
          // nobody takes the error who would surely answer it, and an open gate would let whoever goes on answer instead
          gate.clear();
          warn(error);
          sendDenial(gate.pass, decision);
          seal();
        },
      );
      return new Promise(() => {});
    }

    function settleLater(
      decision: Promise<Decision>,
      request: Request,
      response: Response,
      next: NextFunction | undefined,
      gate: ResponseGate | undefined,
    ): Promise<void> {
      const settled = new Promise<void>((resolve, reject) => {
        let isOpen = false;

        /** Another guard may still decide on the same response: this one opens its own share of the gate, once. */
        function open(): boolean {
          if (isOpen || !gate) return false;
          isOpen = true;
          return gate.open();
        }

        function fail(error: unknown): void {
          open();
          if (next) next(asError(error));
          else reject(asError(error));
        }

        decision
          .then((found) => {
            if (isAnswered(response)) return;
            if (found.outcome === 'deny') {
              gate?.clear();
              void refuse(found, request, response, next, gate);
              return;
            }
            // whoever did not wait has answered already, and their answer goes out now
            if (open()) return;
            applyHeaders(response, found.headers);
            if (next) next();
            resolve();
          })
          .catch(fail);
      });
      // whoever doesn't wait for it can't be told
      settled.catch(() => {});
      return settled;
    }
  }

  return Object.assign(guardWith, { answer });
}

/** What calls middleware in Express 5 and 4, and the wrappers that tracing puts around it. */
const EXPRESS_OWN = /node_modules[\\/](?:(?:router|express)[\\/]lib[\\/](?:router[\\/])?layer\.js|@opentelemetry[\\/]instrumentation-(?:express|router)[\\/])/;

let warned = false;

function warn(thrown: Error): void {
  if (warned) return;
  warned = true;
  process.emitWarning(`onDenied threw ${classOf(thrown)} where a guard was called by hand: the refusal was answered without it`, {
    code: 'TOKENWARD_ON_DENIED',
  });
}

/** Runs what answers, which may fail at once or later. */
function answered(run: () => void | Promise<void>, done: () => void, fail: (error: Error) => void): void {
  try {
    const under = run();
    if (!(under instanceof Promise)) return done();
    under.then(done).catch((error: unknown) => fail(asError(error)));
  } catch (error) {
    fail(asError(error));
  }
}

/** @throws ConfigurationError where a guard is called with something else than a request and its response */
function assertCalled(request: unknown, response: unknown): void {
  const { headers } = Object(request) as Partial<Request>;
  const { setHeader, end } = Object(response) as Partial<ServerResponse>;
  if (typeof headers === 'object' && typeof setHeader === 'function' && typeof end === 'function') return;
  throw misuse('guard(...)', 'is middleware, and was called without a request and its response: write await guard(...)(req, res)');
}
