import type { ServerResponse } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { Decision, Deny } from '@tokenward/core';
import {
  addCookies,
  answerAlone,
  answerRefusal,
  applyHeaders,
  asError,
  classOf,
  closeGate,
  markGuard,
  misuse,
  never,
  runnerOf,
  sendDenial,
  sendMetadata,
  settle,
  settleForCallback,
  type RequirementsFor,
  type Framework,
  type NativeGuard,
  type ResponseGate,
  type MetadataAnswer,
} from '@tokenward/core/adapter';
import { isMounted } from './mounted.js';
import { ownPair, type OwnPair } from './own-pair.js';

/** A guard in Express' form. Without `next` it returns a promise. */
type Guarding = (request: Request, response: Response, next?: NextFunction) => Promise<void> | undefined;

export interface CreateGuarding {
  (requirementsFor: RequirementsFor<Request>): Guarding;
  /** Answers a refusal while others might answer too: what they write is dropped. */
  refuse(decision: Deny, request: Request, response: Response): Promise<void>;
}

const ADMITTED = Promise.resolve();

/**
 * Creates guards for Express, which calls a guard with its own `next` and goes on only when the guard calls it. The app's own code may call a guard, too,
 * not wait, and go on despite a refusal. So the response is then closed to that code until the decision arrives, and stays closed after a refusal.
 */
export function createGuarding(native: NativeGuard<Request, [request: Request, response: Response]>): CreateGuarding {
  function answer(decision: Deny, request: Request, response: Response): void | Promise<void> {
    // onDenied may answer in its own way
    addCookies(response, decision.headers);
    return answerRefusal(native, decision, [request, response], (unanswered) => sendDenial(response, unanswered));
  }

  /** The promise is fulfilled when `onDenied` ends or calls `req.next`, whichever comes first. */
  function answerByHand(decision: Deny, request: Request, gate: ResponseGate): Promise<void> {
    return answerAlone(gate, (pass) => {
      return new Promise((resolve) => {
        // the caller may not answer the error, and an open gate would let other code answer
        function fail(error: unknown): void {
          if (error !== undefined) warn(`onDenied threw ${classOf(error)} for a guard that the app's own code called. The guard sent its usual answer`);
          if (pass.headersSent && !pass.writableEnded) pass.destroy();
          else if (!pass.headersSent) gate.clear();
          sendDenial(pass, decision);
          resolve();
        }

        const own = ownPair(request, pass as Response, fail);
        answerLater(decision, own).then(resolve, fail);
      });
    });
  }

  async function answerLater(decision: Deny, { request, response }: OwnPair): Promise<void> {
    await answer(decision, request, response);
  }

  function guardWith(requirementsFor: RequirementsFor<Request>): Guarding {
    const guard: Guarding = (request, response, done) => {
      const next = typeof done === 'function' ? done : undefined;
      assertCalled(request, response);
      const metadata = native.metadataFor(request);
      if (metadata) return serve(metadata, response, next && isExpress(request) ? 'in front' : 'own code');
      // behind a route that takes OPTIONS, such as one of app.all, or behind a call of the app's own code, the handler would run for a preflight
      const passes = request.method === 'OPTIONS' && !request.route && isExpress(request);
      const decision = native.decide(request, requirementsFor(request, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') return admit(decision, response, next);
      return next && isExpress(request) ? settleForExpress(decision, request, response, next) : settleByHand(decision, request, response, next);
    };
    return markGuard(guard, requirementsFor);

    /** The app's own code may also call a mounted guard, and only the call stack shows who does. Reading it is slow, so it is read only where that matters. */
    function isExpress(request: Request): boolean {
      return isMounted(guard, request) && runnerOf(guard, EXPRESS) === 'framework';
    }
  }

  return Object.assign(guardWith, {
    refuse(decision: Deny, request: Request, response: Response) {
      assertCalled(request, response, 'guard.refuse(decision, ...)', 'needs the request and its response. Write await guard.refuse(decision, req, res)');
      return answerByHand(decision, request, closeGate(response));
    },
  });

  function admit({ headers }: Decision, response: Response, next: NextFunction | undefined): Promise<void> | undefined {
    applyHeaders(response, headers);
    if (!next) return ADMITTED;
    next();
    return undefined;
  }

  /** The guard itself answers: whatever is behind it must not run without credentials. */
  function serve(metadata: MetadataAnswer, response: Response, place: 'in front' | 'own code'): Promise<never> | undefined {
    if (place === 'own code') {
      void answerAlone(closeGate(response), (pass) => sendMetadata(pass, metadata));
      return never();
    }
    sendMetadata(response, metadata);
    return undefined;
  }

  function settleForExpress(decision: Decision | Promise<Decision>, request: Request, response: Response, next: NextFunction): undefined {
    const outcomes = {
      response,
      admit: (allowed: Decision) => void admit(allowed, response, next),
      refuse: (denied: Deny) => answer(denied, request, response),
    };
    return settleForCallback(decision, outcomes, next);
  }

  /** If the request is refused, the promise never settles, so nothing after an `await` runs. */
  function settleByHand(decision: Decision | Promise<Decision>, request: Request, response: Response, next: NextFunction | undefined): Promise<void> {
    const gate = closeGate(response);
    const outcomes = {
      response,
      async admit(allowed: Decision): Promise<void> {
        try {
          void admit(allowed, response, next);
        } catch (error) {
          passToExpress(asError(error), request);
          await never();
        }
      },
      refuse(denied: Deny): Promise<never> {
        void answerByHand(denied, request, gate);
        return never();
      },
      fail(error: Error): Promise<never> {
        giveUp(error, gate);
        return never();
      },
    };
    return settle<void>(decision, outcomes, gate) as Promise<void>;
  }
}

/** The files of Express 5 and 4 that call middleware. */
const EXPRESS: Framework = {
  runner: /[\\/]node_modules[\\/](?:router|express)[\\/]lib[\\/](?:router[\\/])?layer\.js /,
  own: /[\\/]node_modules[\\/](?:router|express)[\\/](?:lib[\\/]|index\.js )/,
  starter: / (?:app|router|handle|dispatch|handleRequest|handle_request)$/,
  app: /[\\/]express[\\/]lib[\\/](?:express|application)\.js /,
  waits: false,
};

/** Passes an error of the caller's `next` to Express. Express catches it by itself only if the guard calls `next` before it returns. */
function passToExpress(error: Error, { next }: Request): void {
  if (typeof next !== 'function') throw error;
  next(error);
}

/** Answers with 500 if the guard fails: the request is not admitted, and the caller may not answer it. */
function giveUp(error: Error, gate: ResponseGate): void {
  warn(`a guard that the app's own code called failed with ${classOf(error)}. The request was answered with 500`);
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

/** @throws ConfigurationError if a guard is called without a request and its response */
function assertCalled(
  request: unknown,
  response: unknown,
  path = 'guard(...)',
  message = 'is middleware, and was called without a request and its response. Write await guard(...)(req, res)',
): void {
  const { headers } = Object(request) as Partial<Request>;
  const { setHeader, end } = Object(response) as Partial<ServerResponse>;
  if (typeof headers === 'object' && typeof setHeader === 'function' && typeof end === 'function') return;
  throw misuse(path, message);
}
