import type { KeyedStoreOptions } from './keyed-options.js';

export interface RedisReplaysOptions extends KeyedStoreOptions {
  /** The beginning of all keys. Default: `tokenward:replays`. */
  readonly prefix?: string | undefined;
}
