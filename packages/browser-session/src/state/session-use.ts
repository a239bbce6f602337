const WRITTEN_AFTER_SHARE = 0.1;

/** Whether it is time to write that a session was used. To write it for each request would cost a cookie or a store call each time. */
export function isUseWorthWriting(usedAt: number, nowSeconds: number, idleSeconds: number): boolean {
  return nowSeconds - usedAt >= idleSeconds * WRITTEN_AFTER_SHARE;
}
