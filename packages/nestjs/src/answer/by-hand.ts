import type { ServerResponse } from 'node:http';
import type { Decision, Deny } from '@tokenward/core';
import { holdAnswer, isCalledBy, sendDenial } from '@tokenward/core/adapter';
import type { NativeResponse } from '../call/carrier.js';
import { isReply } from '../call/response.js';

/** The file in which Nest asks the guards of a call. */
const GUARDS_CONSUMER = /[\\/]guards-consumer\.js /;

/**
 * Whether Nest itself asks the guard that is running. It then waits for the answer. A guard of the app that asks this one may not wait. In a bundle the guard
 * cannot see who asks it. It then treats Nest as code that calls it by hand, and Nest does await it.
 */
export function isAskedByNest(canActivate: object): boolean {
  return isCalledBy(canActivate, GUARDS_CONSUMER);
}

/**
 * Holds the response back for code of the app that called the guard, until the decision is known and that code waits for it. If the request is refused and
 * the caller does not wait, the usual refusal is sent, and neither the caller's answer nor that of `onDenied`.
 *
 * @param finish returns what the guard makes of an admission. For a refusal it throws, or has `onDenied` answer
 */
export function settleByHand<T>(decision: Deny | Promise<Decision>, response: NativeResponse, finish: (decision: Decision) => T | Promise<T>): Promise<T> {
  const raw = isReply(response) ? response.raw : response;
  const { promise: admitted, resolve } = Promise.withResolvers<boolean>();
  let denied: Deny | undefined;

  async function settle(): Promise<T> {
    const known = decision instanceof Promise ? await decision : decision;
    resolve(known.outcome === 'allow');
    if (known.outcome === 'allow') {
      // the response opens first: it may hold an answer of somebody else, and then no handler may run
      await admitted;
      return finish(known);
    }
    denied = known;
    // after this pause, a caller that waits has begun to wait, so the answer of `onDenied` passes
    await new Promise((done) => setImmediate(done));
    return finish(known);
  }

  function refuse(pass: ServerResponse): void {
    if (denied) sendDenial(pass, denied);
    else pass.writeHead(500).end();
  }

  return holdAnswer({ result: settle(), admitted, refuse }, raw);
}
