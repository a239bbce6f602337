/** Why the session ended: somebody logged out, or the server no longer knows it. */
export type EndReason = 'logout' | 'expired';

/** Tells all tabs of this app that the session has ended. */
export interface Tabs {
  onEnd(listener: (reason: EndReason) => void): () => void;
  /** Calls the listeners of all tabs, this one included. */
  end(reason: EndReason): void;
}

/** @param forget is called when another tab says that the session has ended */
export function createTabs(path: string, forget: () => void): Tabs {
  const listeners = new Set<(reason: EndReason) => void>();
  const channel = new BroadcastChannel(`tokenward ${path}`);

  function call(reason: EndReason): void {
    for (const listener of listeners) listener(reason);
  }

  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data !== 'logout' && data !== 'expired') return;
    forget();
    call(data);
  });

  return {
    onEnd(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    end(reason) {
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a channel reaches its own origin only
      channel.postMessage(reason);
      call(reason);
    },
  };
}
