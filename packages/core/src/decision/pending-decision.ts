import { misuse } from '../lib/configuration-error.js';

/**
 * A decision that is not there yet. A guard answers at once while everything is known, so `await` can be forgotten and nobody notices; then a client
 * that makes the guard wait, by a key that is not known, would find a promise whose `outcome` is not `deny`. Reading it throws instead.
 */
export function pendingDecision<D>(decision: Promise<D>): Promise<D> {
  return Object.defineProperties(decision, UNREADABLE);
}

function refuseToSay(): never {
  throw misuse('decision', 'is not there yet. Write const decision = await guard.check(...)');
}

const UNREADABLE: PropertyDescriptorMap = Object.fromEntries(
  ['outcome', 'auth', 'status', 'reason'].map((member) => [member, { get: refuseToSay, enumerable: false, configurable: true }]),
);
