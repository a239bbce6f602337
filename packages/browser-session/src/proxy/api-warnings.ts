import type { Warn } from '../warnings.js';
import type { ProxyConfig } from './proxy-options.js';

/** Tells operators that an API fails, once for each proxied origin and kind of failure. Pages see only the status. */
export interface ApiWarnings {
  /** @param words what happened, and the most likely remedy */
  unreachable(words: string): void;
  late(): void;
}

export function createApiWarnings({ origin, timeoutMs }: Pick<ProxyConfig, 'origin' | 'timeoutMs'>, warn: Warn): ApiWarnings {
  return {
    unreachable(words) {
      warn(
        `tokenward: session.proxy() got no answer from ${origin}: ${words}. Pages get 502. Check the options to and tls of the proxy`,
        `unreachable ${origin}`,
      );
    },
    late() {
      const seconds = timeoutMs / 1000;
      warn(
        `tokenward: session.proxy() got no answer from ${origin} within ${seconds} s. Pages get 504. If the API needs longer, raise timeoutSeconds of the proxy`,
        `late ${origin}`,
      );
    },
  };
}
