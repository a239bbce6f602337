/** Whether `await` would wait for a value. Query builders of databases, for example, are not Promises, but can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}

/**
 * Calls a function of the user that says yes by returning `true` at once. Everything else says no: another value, an exception, and a promise. If that promise
 * rejects, it must not end the process.
 */
export function returnsTrue(call: () => unknown): boolean {
  try {
    const answer = call();
    if (answer === true) return true;
    if (isThenable(answer)) Promise.resolve(answer).catch(() => {});
  } catch {
    // says no
  }
  return false;
}
