import { misuse } from '@tokenward/core/adapter';

/**
 * Makes a forgotten `await` throw. A guard mostly returns its result without a promise, so the mistake goes unnoticed until a client makes the guard wait. The
 * promise then has no `response`, and the code would go on. Reading one throws instead.
 */
export function pendingResult<R>(result: Promise<R>): Promise<R> {
  return Object.defineProperties(result, UNREADABLE);
}

function throwMisuse(): never {
  throw misuse('guard(request, ...policies)', 'returned a promise. Write const result = await guard(...)');
}

const UNREADABLE: PropertyDescriptorMap = Object.fromEntries(
  ['response', 'auth', 'headers'].map((member) => [member, { get: throwMisuse, enumerable: false, configurable: true }]),
);
