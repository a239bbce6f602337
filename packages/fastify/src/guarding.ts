import {
  misuse,
  answerOf,
  asError,
  closeGate,
  isAnswered,
  isCalledBy,
  markGuard,
  problemHeaders,
  type AccessFor,
  type NativeGuard,
  type ResponseGate,
} from '@tokenward/core/adapter';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth, ConfigurationError, Decision, Deny } from '@tokenward/core';
import { logRefusal } from './log.js';

type Done = (error?: Error) => void;

/** A guard in Fastify's form. Where it gives something, that is to be waited for. */
export type Guarding = (this: unknown, request: FastifyRequest, reply: FastifyReply, done?: Done) => PromiseLike<void> | undefined;

export interface CreateGuarding {
  (accessFor: AccessFor<FastifyRequest>): Guarding;
  /** Answers a refusal. */
  answer(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const ADMITTED = Promise.resolve();

/**
 * Fastify's own files call its hooks on the app, with a `done`, and wait for that. Whoever else calls a guard by hand may wait for it or not, and may go on
 * whatever it says: then nobody can answer, and Fastify goes no further, until the decision is there, and never where it is a refusal.
 *
 * @param admit remembers whom an admitted request is from
 */
export function createGuarding(
  { decide, refused, onDenied }: NativeGuard<FastifyRequest, [request: FastifyRequest, reply: FastifyReply]>,
  admit: (request: FastifyRequest, auth: Auth | undefined) => void,
): CreateGuarding {
  async function answer(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    logRefusal(request.log, decision);
    refused(decision, request);
    if (!onDenied) return sendDefault(decision, reply);
    const left = await answerOf(onDenied, decision, request, reply);
    if (left) sendDefault(left, reply);
  }

  function admitted(decision: Decision & { outcome: 'allow' }, request: FastifyRequest, reply: FastifyReply): void {
    for (const name in decision.headers) void reply.header(name, decision.headers[name]!);
    admit(request, decision.auth);
  }

  /** A guard that is a hook of Fastify's. */
  function asHook(decision: Decision, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (decision.outcome === 'allow') {
      admitted(decision, request, reply);
      done();
    } else {
      answer(decision, request, reply).catch((error: unknown) => done(asError(error)));
    }
  }

  /** A guard that was called by hand. */
  function byHand(decision: Deny | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done | undefined): PromiseLike<void> | undefined {
    if (!(decision instanceof Promise)) return refuse(decision, request, closeReply(reply));
    const closed = closeReply(reply);
    const { gate } = closed;
    const settled = new Promise<void>((resolve) => {
      decision
        .then((found) => {
          if (isAnswered(reply.raw)) return;
          if (found.outcome === 'deny') {
            void refuse(found, request, closed);
            return;
          }
          const isPassed = closed.release();
          if (gate.open()) return;
          // Fastify came by while nobody could answer, and it does not come again
          if (isPassed) return void reply.send(notAwaited());
          admitted(found, request, reply);
          if (done) done();
          resolve();
        })
        .catch((error: unknown) => void closed.own.send(asError(error)));
    });
    return done ? new CalledBack(settled) : settled;
  }

  /** The promise never settles: nothing behind an `await` runs, whatever it catches. */
  function refuse(decision: Deny, request: FastifyRequest, closed: ClosedReply): Promise<void> {
    void answerAlone(decision, request, closed);
    return new Promise(() => {});
  }

  /** Answers a refusal where others might answer, too: what they write is forgotten. */
  async function answerAlone(decision: Deny, request: FastifyRequest, { gate, own }: ClosedReply): Promise<void> {
    gate.clear();
    try {
      await answer(decision, request, own);
    } catch (error) {
      void own.send(asError(error));
    }
  }

  function guardWith(accessFor: AccessFor<FastifyRequest>): Guarding {
    function hook(request: FastifyRequest, reply: FastifyReply, done: Done): void {
      const decision = decide(request, accessFor(request, answersPreflights(request) ? 'pass' : 'refuse'));
      settleHook(decision, request, reply, done);
    }

    function guard(this: unknown, request: FastifyRequest, reply: FastifyReply, given?: Done): PromiseLike<void> | undefined {
      assertCalled(request, reply);
      const done = typeof given === 'function' ? given : undefined;
      // a decorated guard is called on an app, too, by whoever writes a handler: only the stack tells who calls, and it is asked where that matters
      const mayBeHook = done !== undefined && isApp(this);
      if (mayBeHook && request.method === 'OPTIONS' && isCalledBy(FASTIFYS_HOOKS)) return void hook(request, reply, done);
      const decision = decide(request, accessFor(request, 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') {
        admitted(decision, request, reply);
        if (!done) return ADMITTED;
        done();
        return undefined;
      }
      if (!mayBeHook || !isCalledBy(FASTIFYS_HOOKS)) return byHand(decision, request, reply, done);
      settleHook(decision, request, reply, done);
      return undefined;
    }

    hooks.set(guard, hook);
    return markGuard(guard);
  }

  function settleHook(decision: Decision | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (decision instanceof Promise) {
      decision.then((settled) => isAnswered(reply.raw) || asHook(settled, request, reply, done)).catch((error: unknown) => done(asError(error)));
    } else {
      asHook(decision, request, reply, done);
    }
  }

  return Object.assign(guardWith, {
    answer: (decision: Deny, request: FastifyRequest, reply: FastifyReply) => answerAlone(decision, request, closeReply(reply)),
  });
}

const FASTIFYS_HOOKS = /[\\/]node_modules[\\/]fastify[\\/]lib[\\/]hooks\.js/;
/** Without the timer of a `handlerTimeout`, which looks at the reply and answers nothing: the request goes on afterwards. */
const FASTIFYS_OWN = /^(?!\s*at Timeout\..*[\\/]route\.js:).*[\\/]node_modules[\\/]fastify[\\/]lib[\\/]/;

const hooks = new WeakMap<Guarding, (request: FastifyRequest, reply: FastifyReply, done: Done) => void>();

/** Runs a guard from within a hook that Fastify called, as though it had called the guard. */
export function runAsHook(guard: Guarding, request: FastifyRequest, reply: FastifyReply, done: Done): void {
  hooks.get(guard)!(request, reply, done);
}

function sendDefault(decision: Deny, reply: FastifyReply): void {
  // what somebody wrote before the decision was there may have been an answer to Fastify
  if (reply.raw.headersSent) return;
  void reply.code(decision.status).headers(problemHeaders(decision)).serializer(String).send(JSON.stringify(decision.body));
}

interface ClosedReply {
  readonly gate: ResponseGate;
  /** The reply for whoever answers in the guard's stead, while nobody else can: what others set on theirs does not go out with it. */
  readonly own: FastifyReply;
  /** Has the reply say again whether it was sent, and says whether Fastify came by meanwhile. */
  release(): boolean;
}

/** Has Fastify, and everybody who would answer by this reply, find that it was answered. */
function closeReply(reply: FastifyReply): ClosedReply {
  const gate = closeGate(reply.raw);
  let isPassed = false;
  Object.defineProperty(reply, 'sent', {
    configurable: true,
    get() {
      isPassed ||= isCalledBy(FASTIFYS_OWN);
      return true;
    },
  });
  return {
    gate,
    own: ownReply(reply, gate),
    release() {
      Reflect.deleteProperty(reply, 'sent');
      return isPassed;
    },
  };
}

function ownReply(reply: FastifyReply, { pass }: ResponseGate): FastifyReply {
  const own = Object.create(reply, { raw: { value: pass }, sent: { get: (): boolean => pass.writableEnded } }) as FastifyReply;
  // Fastify keeps headers, trailers and the like under symbols
  for (const key of Object.getOwnPropertySymbols(reply)) Reflect.defineProperty(own, key, { value: copyOf(Reflect.get(reply, key)), writable: true });
  // a serializer that stands there was meant for the handler's answer; null is Fastify's word for none
  return own.serializer(null as never);
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const copied = Object.entries(value).map(([name, one]: [string, unknown]) => [name, Array.isArray(one) ? [...(one as unknown[])] : one]);
  return Object.fromEntries(copied);
}

/**
 * What a guard with a `done` gives. Fastify, and plugins like it, ask a result for its `then` at once and would go on twice; `await` asks later, and
 * waits for the admission.
 */
class CalledBack implements PromiseLike<void> {
  readonly #settled: Promise<void>;
  #isLater = false;

  constructor(settled: Promise<void>) {
    this.#settled = settled;
    queueMicrotask(() => {
      this.#isLater = true;
    });
  }

  // eslint-disable-next-line unicorn/no-thenable -- it is one
  then<A = void, B = never>(resolve?: ((value: void) => A | PromiseLike<A>) | null, reject?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return (this.#isLater ? this.#settled : new Promise<void>(() => {})).then(resolve, reject);
  }
}

/** Fastify binds hooks to the app in which they stand. */
function isApp(value: unknown): boolean {
  return typeof (Object(value) as { decorateRequest?: unknown }).decorateRequest === 'function';
}

/** Nothing runs for a preflight where no route stands, or one for OPTIONS alone; one that takes other methods, too, would run its handler. */
function answersPreflights(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false;
  const { url, method } = request.routeOptions;
  return url === undefined || method === 'OPTIONS';
}

function notAwaited(): ConfigurationError {
  return misuse('app.guard(...)', 'was called, and nobody waited for it: write await app.guard(...)(request, reply), or give it to a route as onRequest');
}

/** @throws ConfigurationError where a guard is called with something else than a request and its reply */
function assertCalled(request: unknown, reply: unknown): void {
  const { raw } = Object(request) as Partial<FastifyRequest>;
  const { send, raw: response } = Object(reply) as Partial<FastifyReply>;
  if (typeof raw === 'object' && typeof send === 'function' && typeof response === 'object') return;
  throw misuse('app.guard(...)', 'is a hook, and was called without a request and its reply: write await app.guard(...)(request, reply)');
}
