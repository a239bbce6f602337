/** Whether `await` would wait for a value. Query builders of databases, for example, are no Promises but can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function';
}
