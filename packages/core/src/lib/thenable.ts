/** Whether `await` would wait for it: query builders of databases and the like are no Promises, and are awaited all the same. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
