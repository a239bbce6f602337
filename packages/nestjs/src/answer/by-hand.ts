import type { Decision } from '@tokenward/core';
import { closeGate, isAnswered, isRunBy, sendDenial } from '@tokenward/core/adapter';
import type { NativeResponse } from '../call/carrier.js';
import { isReply } from '../call/response.js';

/** Where Nest asks the guards of a call, in its own file or in a bundle. */
const GUARDS_CONSUMER = /[\\/]guards-consumer\.js | tryActivate$/;

/** Whether Nest asks the guard that is running, itself or by another guard. It then waits for the answer. */
export function isAskedByNest(canActivate: object): boolean {
  return isRunBy(GUARDS_CONSUMER, canActivate);
}

/**
 * Keeps everybody from answering until the decision is there: whoever called the guard by hand may not wait for it. A refusal goes out at once, and
 * what others answer after it is forgotten.
 *
 * @param settle is what the guard makes of the decision
 */
export async function settleByHand<T>(decision: Promise<Decision>, response: NativeResponse, settle: (decision: Decision) => T): Promise<Awaited<T>> {
  const raw = isReply(response) ? response.raw : response;
  const gate = closeGate(raw);
  try {
    const found = await decision;
    if (found.outcome === 'allow') {
      const settled = await settle(found);
      gate.open();
      return settled;
    }
    gate.clear();
    if (!isAnswered(raw)) sendDenial(gate.pass, found);
    gate.seal();
    return await settle(found);
  } catch (error) {
    gate.clear();
    if (!isAnswered(raw)) gate.pass.writeHead(500).end();
    gate.seal();
    throw error;
  }
}
