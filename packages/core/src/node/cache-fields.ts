/** Fields that only shared caches read, besides `Cache-Control` or instead of it (RFC 9213). */
const SHARED = /^(?:(?:[a-z]+-)*cdn-cache-control|surrogate-control|edge-control|x-accel-expires)$/i;
/** The others: what caches may do with an answer, and how old it is. */
const OTHERS = /^(?:cache-control|expires|age)$/i;

/** Whether only shared caches read a field. */
export function isSharedCacheField(name: string): boolean {
  return SHARED.test(name);
}

/** Whether a field tells any cache what it may keep. None of them belongs in an answer that is `no-store`. */
export function isCacheField(name: string): boolean {
  return SHARED.test(name) || OTHERS.test(name);
}
