export const MAX_LOGIN_VALUE_LENGTH = 500;
/** No control characters, line breaks, invisible marks that change the direction of a text, or halves of a character. */
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/** Whether a parameter of a login may have this value, whatever else is asked of it. */
export function isLoginValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_LOGIN_VALUE_LENGTH && PRINTABLE.test(value);
}
