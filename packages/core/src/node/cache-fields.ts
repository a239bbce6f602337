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

/** A response of Node, or a reply of Fastify, which lists its fields in another way. A stand-in for a response may list none. */
interface FieldHolder {
  readonly headersSent?: boolean;
  getHeaderNames?(): readonly string[];
  getHeaders?(): object;
  removeHeader(name: string): unknown;
}

/** Removes what tells caches that they may keep the answer, unless the fields were sent. */
export function removeCacheFields(holder: FieldHolder): void {
  if (holder.headersSent) return;
  const names = holder.getHeaderNames?.() ?? Object.keys(holder.getHeaders?.() ?? {});
  for (const name of names) if (isCacheField(name)) holder.removeHeader(name);
}
