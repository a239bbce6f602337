/** A fetch that answers only after its release, and a promise that resolves when it is first called. */
export interface WithheldFetch {
  readonly fetch: typeof fetch;
  readonly called: Promise<void>;
  /** Lets all calls through, those that wait and later ones. */
  release(): void;
  /** Fails the calls that wait, and later ones. */
  fail(): void;
}

export function withholdFetch(): WithheldFetch {
  const { promise: called, resolve: tellCalled } = Promise.withResolvers<void>();
  const { promise: released, resolve: release, reject } = Promise.withResolvers<void>();

  async function fetchLater(...given: Parameters<typeof fetch>): ReturnType<typeof fetch> {
    tellCalled();
    await released;
    return fetch(...given);
  }

  return { fetch: fetchLater, called, release, fail: () => reject(new TypeError('fetch failed')) };
}
