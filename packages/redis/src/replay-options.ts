import type { KeyedStoreOptions } from './keyed-options.js';

export interface RedisReplaysOptions extends KeyedStoreOptions {
  /** The beginning of all keys. Default: `tokenward:replays`. */
  readonly prefix?: string | undefined;
  /**
   * How many names an owner may add while the first of them is remembered: how many DPoP proofs the subject of a token may use within about 80 seconds. Beyond
   * that, its requests get 503. Default: 100000.
   */
  readonly maxPerOwner?: number | undefined;
}
