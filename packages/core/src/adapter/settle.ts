import type { ServerResponse } from 'node:http';
import type { Auth } from '../auth/auth.js';
import type { Allow, Decision, Deny } from '../decision/decision.js';
import { isAnswered } from '../node/node-http.js';
import { asError } from './refusals.js';
import type { ResponseGate } from './response-gate.js';

/** What an adapter does with a decision, in its framework's way. */
export interface Outcomes<Result> {
  /** Node's response to the request. */
  readonly response: ServerResponse;
  admit(decision: Allow<Auth | undefined>): Result | Promise<Result>;
  refuse(decision: Deny): Result | Promise<Result>;
  /** Answers if no decision was reached. Default: {@link settle} rejects with the error. */
  fail?(error: Error): Result | Promise<Result>;
  /** Returns what the guard's caller gets if somebody else answered first. Default: a promise that never settles. */
  overtaken?(): Result | Promise<Result>;
}

/**
 * Applies a decision, at once or when it arrives. If another answer was sent while the keys were fetched, it only calls `overtaken`.
 *
 * @param gate the closed gate of a guard that the app's own code called. An admission opens it, and a refusal drops what others wrote. The caller need not
 * await the returned promise: an unhandled rejection of it does not end the process.
 */
export function settle<Result>(decision: Decision | Promise<Decision>, outcomes: Outcomes<Result>, gate?: ResponseGate): Result | Promise<Result> {
  const { response, fail, overtaken = never } = outcomes;

  function apply(settled: Decision): Result | Promise<Result> {
    if (settled.outcome === 'allow') return gate?.open() === true ? overtaken() : outcomes.admit(settled);
    gate?.clear();
    return outcomes.refuse(settled);
  }

  function applyLate(settled: Decision): Result | Promise<Result> {
    if (!isAnswered(response)) return apply(settled);
    // an answer was sent despite the gate, and the decision may be a refusal: code that awaits the guard must not continue
    return gate ? never() : overtaken();
  }

  function failed(error: unknown): Result | Promise<Result> {
    gate?.clear();
    if (!fail) throw asError(error);
    return fail(asError(error));
  }

  const result = decision instanceof Promise ? decision.then(applyLate, failed) : apply(decision);
  if (gate && result instanceof Promise) result.catch(() => {});
  return result;
}

/**
 * Applies a decision for a framework that calls a guard with a callback and expects no promise, as Express and Fastify do.
 *
 * @param failed the callback. It gets an error that occurs after the guard has returned. The framework itself catches an earlier one.
 */
export function settleForCallback(decision: Decision | Promise<Decision>, outcomes: Outcomes<void>, failed: (error: Error) => void): undefined {
  const settled = settle<void>(decision, outcomes);
  if (settled instanceof Promise) settled.catch((error: unknown) => failed(asError(error)));
  return undefined;
}

/**
 * Answers through a closed gate. What others wrote before is dropped, and what they write afterwards is ignored.
 *
 * @param answer writes the answer on the response that it is given
 */
export async function answerAlone(gate: ResponseGate, answer: (response: ServerResponse) => void | Promise<void>): Promise<void> {
  gate.clear();
  try {
    await answer(gate.pass);
  } finally {
    gate.seal();
  }
}

/** Returns a promise that never settles: the code behind its `await` does not run. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
