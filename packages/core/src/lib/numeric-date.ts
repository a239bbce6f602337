/** The last second of the year 9999. A larger number is in milliseconds by mistake (RFC 7519 s2 has seconds). */
export const LAST_DATE = 253_402_300_799;

/** Whether a value is a NumericDate: seconds since the epoch (RFC 7519 s2). */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_DATE;
}
