import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { Decision, Deny } from '@tokenward/core';
import {
  applyHeaders,
  asError,
  classOf,
  closeGate,
  isAnswered,
  isDenial,
  markGuard,
  misuse,
  runnerOf,
  sendDenial,
  type AccessFor,
  type Framework,
  type NativeGuard,
  type ResponseGate,
} from '@tokenward/core/adapter';
import { isMounted } from './mounted.js';
import { ownPair } from './own-pair.js';

/** A guard in Express' form. Without `next` it gives a promise. */
type Guarding = (request: Request, response: Response, next?: NextFunction) => Promise<void> | undefined;

export interface CreateGuarding {
  (accessFor: AccessFor<Request>): Guarding;
  /** Answers a refusal where others might answer, too: what they write is forgotten. */
  refuse(decision: Deny, request: Request, response: Response): Promise<void>;
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

  /** Of the answer's two ends the first one counts: what `onDenied` gives, or what it hands to `req.next`. */
  function answerByHand(decision: Deny, request: Request, gate: ResponseGate): Promise<void> {
    gate.clear();
    return new Promise((resolve) => {
      function seal(): void {
        if (gate.pass.headersSent) gate.seal();
        resolve();
      }

      // nobody takes the error who would surely answer it, and an open gate would let whoever goes on answer instead
      function fail(error: unknown): void {
        if (error !== undefined) warn(`onDenied threw ${classOf(error)} where a guard was called by hand: the refusal was answered without it`);
        if (gate.pass.headersSent && !gate.pass.writableEnded) gate.pass.destroy();
        else if (!gate.pass.headersSent) gate.clear();
        sendDenial(gate.pass, decision);
        seal();
      }

      const own = ownPair(request, gate.pass as Response, fail);
      answered(() => answer(decision, own.request, own.response), seal, fail);
    });
  }

  function guardWith(accessFor: AccessFor<Request>): Guarding {
    const guard: Guarding = (request, response, given) => {
      const next = typeof given === 'function' ? given : undefined;
      assertCalled(request, response);
      // a route that takes OPTIONS, such as one of app.all, would run its handler for a preflight; so would whoever calls a guard by hand
      const passes = request.method === 'OPTIONS' && !request.route && isExpress(request);
      const decision = decide(request, accessFor(request, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise)) {
        if (decision.outcome === 'allow') return admit(decision, response, next);
        if (next && isExpress(request)) return refuse(decision, request, response, next);
        void answerByHand(decision, request, closeGate(response));
        return never();
      }
      if (!next || !isExpress(request)) return settleByHand(decision, request, response, next, closeGate(response));
      settleLater(decision, request, response, next);
      return undefined;
    };
    return markGuard(guard);

    /** One that is mounted may be called by hand elsewhere: only the stack tells who calls now, and it is asked where that matters. */
    function isExpress(request: Request): boolean {
      return isMounted(guard, request) && runnerOf(guard, EXPRESS) === 'framework';
    }

    function admit({ headers }: Decision, response: Response, next: NextFunction | undefined): Promise<void> | undefined {
      applyHeaders(response, headers);
      if (!next) return ADMITTED;
      next();
      return undefined;
    }

    function refuse(decision: Deny, request: Request, response: Response, next: NextFunction): undefined {
      answered(() => answer(decision, request, response), () => {}, (error) => next(error)); // prettier-ignore
      return undefined;
    }

    function settleLater(decision: Promise<Decision>, request: Request, response: Response, next: NextFunction): void {
      decision.then(
        (found) => {
          if (isAnswered(response)) return;
          if (found.outcome === 'deny') refuse(found, request, response, next);
          else void admit(found, response, next);
        },
        (error: unknown) => next(asError(error)),
      );
    }

    /** Where the request is refused the promise never settles: nothing behind an `await` runs. */
    function settleByHand(
      decision: Promise<Decision>,
      request: Request,
      response: Response,
      next: NextFunction | undefined,
      gate: ResponseGate,
    ): Promise<void> {
      const settled = new Promise<void>((resolve, reject) => {
        decision
          .then(
            (found) => {
              if (isAnswered(response)) return;
              if (found.outcome === 'deny') return void answerByHand(found, request, gate);
              // whoever did not wait has answered already, and their answer goes out now; another guard may still decide on the same response
              if (gate.open()) return;
              try {
                void admit(found, response, next);
                resolve();
              } catch (error) {
                failed(asError(error), request);
              }
            },
            (error: unknown) => giveUp(asError(error), gate),
          )
          .catch(reject);
      });
      // whoever doesn't wait for it can't be told
      settled.catch(() => {});
      return settled;
    }
  }

  return Object.assign(guardWith, {
    refuse(decision: Deny, request: Request, response: Response) {
      assertCalled(request, response, 'guard.refuse(decision, ...)', 'needs the request and its response: write await guard.refuse(decision, req, res)');
      return answerByHand(decision, request, closeGate(response));
    },
  });
}

/** What calls middleware in Express 5 and 4. */
const EXPRESS: Framework = {
  runner: /[\\/]node_modules[\\/](?:router|express)[\\/]lib[\\/](?:router[\\/])?layer\.js /,
  own: /[\\/]node_modules[\\/](?:router|express)[\\/](?:lib[\\/]|index\.js )/,
  starter: / (?:app|router|handle|dispatch|handleRequest|handle_request)$/,
  app: /[\\/]express[\\/]lib[\\/](?:express|application)\.js /,
  waits: false,
};

function never(): Promise<never> {
  return new Promise(() => {});
}

/** A `next` of somebody's own threw. Had the guard called it at once, Express would have caught that: it gets the error as it would have. */
function failed(error: Error, { next }: Request): void {
  if (typeof next !== 'function') throw error;
  next(error);
}

/** Nobody waits who would surely answer: the request is not admitted, and whoever goes on answers nothing. */
function giveUp(error: Error, gate: ResponseGate): void {
  gate.clear();
  warn(`a guard that was called by hand failed with ${classOf(error)}: the request was answered with 500`);
  gate.pass.statusCode = 500;
  gate.pass.end();
  gate.seal();
}

const warned = new Set<string>();

function warn(message: string): void {
  if (warned.has(message) || warned.size > 16) return;
  warned.add(message);
  process.emitWarning(message, { code: 'TOKENWARD_ON_DENIED' });
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
function assertCalled(
  request: unknown,
  response: unknown,
  path = 'guard(...)',
  message = 'is middleware, and was called without a request and its response: write await guard(...)(req, res)',
): void {
  const { headers } = Object(request) as Partial<Request>;
  const { setHeader, end } = Object(response) as Partial<ServerResponse>;
  if (typeof headers === 'object' && typeof setHeader === 'function' && typeof end === 'function') return;
  throw misuse(path, message);
}
