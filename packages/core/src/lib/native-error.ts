import { types } from 'node:util';

/** Whether a value is an error, of any realm. Jest runs tests in a realm of their own, while the errors of Node's modules belong to another. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
