import { isError } from './native-error.js';

/**
 * Returns the name of the class of an error that a user's function threw. Operators see no more of it: its message, its members and its `name` may
 * quote a token or a secret.
 */
export function classOf(thrown: unknown): string {
  try {
    if (typeof thrown !== 'object' || thrown === null) return `a ${typeof thrown}`;
    const prototype: unknown = Object.getPrototypeOf(thrown);
    const type: unknown = typeof prototype === 'object' && prototype !== null ? Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value : undefined;
    const name: unknown = typeof type === 'function' ? Object.getOwnPropertyDescriptor(type, 'name')?.value : undefined;
    return isError(thrown) && typeof name === 'string' && /^[A-Za-z]{1,40}$/.test(name) ? name : 'an error';
  } catch {
    // a proxy's traps may throw
    return 'an error';
  }
}
