/**
 * Whether the function that asks was called from a file of that name. It costs a short stack, so it is for rare paths only. Where the caller cannot be
 * told, as in a bundle, it says no.
 *
 * @param frames is looked for in the line of the stack that names the caller
 */
export function isCalledBy(frames: RegExp): boolean {
  const { stackTraceLimit } = Error;
  const held: { stack?: string } = {};
  Error.stackTraceLimit = 2;
  Error.captureStackTrace(held, isCalledBy);
  const { stack } = held;
  Error.stackTraceLimit = stackTraceLimit;
  return typeof stack === 'string' && frames.test(stack.split('\n').at(-1) ?? '');
}
