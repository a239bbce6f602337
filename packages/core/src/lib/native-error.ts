import { types } from 'node:util';

/** Whether a value is an error of any realm. Jest runs tests in a realm of their own, and the errors of Node's modules come from another. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
