/** Remembers one value by each object, as a WeakMap does. */
export interface Memory<K extends object, V> {
  get(key: K): V | undefined;
  /** undefined: forgets. */
  set(key: K, value: V | undefined): void;
}

/**
 * Keeps the value on the object itself, under a private name that nobody can see or copy; only an object that takes no more names goes
 * into a WeakMap. A WeakMap for all would cost more than most of what a guard does: the garbage collector walks through its entries, and a
 * key that its value leads back to (a request, from its view) then outlives every collection but a full one.
 */
export function createMemory<K extends object, V>(): Memory<K, V> {
  const ofClosed = new WeakMap<K, V | undefined>();
  const self = {};

  class Mark extends Given {
    #value: V | undefined;

    constructor(key: K, value: V | undefined) {
      super(key);
      this.#value = value;
    }

    static read(key: K): V | undefined {
      if (Roomy.isTakenBy(self, key)) return Roomy.read(key) as V | undefined;
      return #value in key ? key.#value : ofClosed.get(key);
    }

    static write(key: K, value: V | undefined): void {
      if (Roomy.take(key, self, value)) return;
      if (#value in key) key.#value = value;
      // eslint-disable-next-line no-new -- what is made is the key with its mark
      else if (Object.isExtensible(key)) new Mark(key, value);
      else ofClosed.set(key, value);
    }
  }

  return { get: Mark.read, set: Mark.write };
}

/**
 * A class whose objects come with room for what one memory keeps, since to make room on an object that exists costs several times as much. The first
 * memory that remembers something by such an object has it; others keep their values as they do on any object.
 */
export class Roomy {
  #memory: object | undefined = undefined;
  #value: unknown = undefined;

  static isTakenBy(memory: object, key: object): key is Roomy {
    return #memory in key && key.#memory === memory;
  }

  static read(key: Roomy): unknown {
    return key.#value;
  }

  /** @returns whether the room is, or was, this memory's */
  static take(key: object, memory: object, value: unknown): boolean {
    if (!(#memory in key) || (key.#memory !== undefined && key.#memory !== memory)) return false;
    key.#memory = memory;
    key.#value = value;
    return true;
  }
}

/** What a class that extends this one adds, it adds to the object given. */
const Given = function given(object: object): object {
  return object;
} as unknown as new (object: object) => object;
