import { misuse } from '../lib/configuration-error.js';

/**
 * Makes a forgotten `await` throw. A guard mostly returns its decision without a promise, so the mistake goes unnoticed until a client makes the guard wait,
 * for example with an unknown key. The promise then has no `outcome`, which a handler may take for anything but `deny`. Reading it throws instead.
 */
export function pendingDecision<D>(decision: Promise<D>): Promise<D> {
  return Object.defineProperties(decision, UNREADABLE);
}

function throwMisuse(): never {
  throw misuse('decision', 'is a promise. Write const decision = await guard.check(...)');
}

const UNREADABLE: PropertyDescriptorMap = Object.fromEntries(
  ['outcome', 'auth', 'status', 'reason'].map((member) => [member, { get: throwMisuse, enumerable: false, configurable: true }]),
);
