import type { ServerResponse } from 'node:http';
import type { Decision, Deny } from '@tokenward/core';
import { answerAlone, closeGate, holdAnswer, isAnswered, isRunBy, sendDenial, settle } from '@tokenward/core/adapter';
import type { NativeResponse } from '../call/carrier.js';
import { isReply } from '../call/response.js';

/** Where Nest asks the guards of a call, in its own file or in a bundle. */
const GUARDS_CONSUMER = /[\\/]guards-consumer\.js | tryActivate$/;

/** Whether Nest asks the guard that is running, itself or by another guard. It then waits for the answer. */
export function isAskedByNest(canActivate: object): boolean {
  return isRunBy(canActivate, GUARDS_CONSUMER);
}

/**
 * Holds the response back until the decision arrives: a caller by hand may not wait for it. A refusal goes out at once, and what others answer afterwards
 * is ignored.
 *
 * @param finish returns what the guard makes of the decision. For an admission it runs before anybody can answer.
 */
export function settleByHand<T>(decision: Promise<Decision>, response: NativeResponse, finish: (decision: Decision) => T | Promise<T>): Promise<T> {
  const raw = rawOf(response);
  const gate = closeGate(raw);
  const admitted: { result?: T } = {};
  const finished = decision.then(async (settled) => {
    if (settled.outcome === 'allow') admitted.result = await finish(settled);
    return settled;
  });

  function answer(send: (response: ServerResponse) => void): Promise<void> {
    return answerAlone(gate, (pass) => (isAnswered(raw) ? undefined : send(pass)));
  }

  const outcomes = {
    response: raw,
    admit: () => admitted.result!,
    async refuse(denied: Deny): Promise<T> {
      await answer((pass) => sendDenial(pass, denied));
      return finish(denied);
    },
    async fail(error: Error): Promise<never> {
      await answer((pass) => pass.writeHead(500).end());
      throw error;
    },
    overtaken: () => admitted.result!,
  };
  return settle<T>(finished, outcomes, gate) as Promise<T>;
}

/**
 * Refuses while `onDenied` may answer late. If the caller does not wait, the usual refusal is sent, and neither the caller's answer nor that of `onDenied`.
 *
 * @param finish makes the refusal, and has `onDenied` answer
 */
export function refuseByHand<T>(denied: Deny, response: NativeResponse, finish: () => T | Promise<T>): Promise<T> {
  const raw = rawOf(response);
  // the caller waits by then, so the answer of `onDenied` passes
  const result = new Promise((resolve) => setImmediate(resolve)).then(finish);
  return holdAnswer({ result, admitted: undefined, refuse: (pass) => sendDenial(pass, denied) }, raw);
}

function rawOf(response: NativeResponse): ServerResponse {
  return isReply(response) ? response.raw : response;
}
