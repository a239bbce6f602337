import { isError } from './native-error.js';

/**
 * What kind of error somebody else's function threw, by the name of its class: all that operators may see of it. Its message, its members and also
 * its `name` are its own, and may quote a token or a secret.
 */
export function classOf(thrown: unknown): string {
  try {
    if (typeof thrown !== 'object' || thrown === null) return `a ${typeof thrown}`;
    const prototype: unknown = Object.getPrototypeOf(thrown);
    const made: unknown = typeof prototype === 'object' && prototype !== null ? Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value : undefined;
    const name: unknown = typeof made === 'function' ? Object.getOwnPropertyDescriptor(made, 'name')?.value : undefined;
    return isError(thrown) && typeof name === 'string' && /^[A-Za-z]{1,40}$/.test(name) ? name : 'an error';
  } catch {
    // a proxy, say
    return 'an error';
  }
}
