import type { KeyedStoreOptions } from './keyed-options.js';

export interface RedisIntrospectionsOptions extends KeyedStoreOptions {
  /** The beginning of all keys. Default: `tokenward:introspections`. */
  readonly prefix?: string | undefined;
}
