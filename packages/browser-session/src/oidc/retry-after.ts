const SECONDS = /^\d{1,9}$/;
/** The one form that servers may send (RFC 9110 s5.6.7). */
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Returns for how many seconds a response asks to wait (`Retry-After`, RFC 9110 s10.2.3); undefined if it asks for nothing, or the header makes no sense. */
export function retryAfterOf({ headers }: Pick<Response, 'headers'>, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  const seconds = SECONDS.test(value) ? Number(value) : DATE.test(value) ? (Date.parse(value) - nowMs) / 1000 : 0;
  return seconds > 0 ? seconds : undefined;
}
