/** The last second of the year 9999. What lies beyond was written in milliseconds (RFC 7519 s2 has seconds), and would hardly ever end. */
const LAST_DATE = 253_402_300_799;

/** A date as tokens write it: seconds since the epoch (RFC 7519 s2). */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_DATE;
}
