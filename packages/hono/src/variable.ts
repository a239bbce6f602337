import type { Context } from 'hono';
import type { Auth } from '@tokenward/core';
import { isContext } from './view.js';

/** Returns a function that makes an object whose property is a variable of a context: whoever sets the property sets the variable. */
export function createHolder(property: unknown = 'auth'): (request: object) => object | undefined {
  const name = String(property);

  class Variables {
    static {
      Object.defineProperty(Variables.prototype, name, {
        set(this: Variables, auth: Auth | undefined) {
          this.#context.set(name, auth);
        },
      });
    }

    readonly #context: Context;

    constructor(context: Context) {
      this.#context = context;
    }
  }

  return (request) => (isContext(request) ? new Variables(request) : undefined);
}
