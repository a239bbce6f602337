/** Keeps one value for each object, as a WeakMap does. */
export interface Memory<K extends object, V> {
  get(key: K): V | undefined;
  /** @param value undefined removes the value */
  set(key: K, value: V | undefined): void;
  /** Returns the remembered value. If there is none, remembers what `make` returns. */
  getOrMake(key: K, make: () => V): V;
}

/**
 * Creates a memory that keeps its values on the objects themselves, in a private field that nobody can see or copy. A WeakMap costs more than most of
 * what a guard does: the garbage collector walks through its entries, and a key that its value leads back to (a request, from its view) survives all
 * but a full collection.
 */
export function createMemory<K extends object, V>(): Memory<K, V> {
  const memory = {};
  return {
    get: (key) => Roomy.find(key, memory)?.value as V | undefined,
    set(key, value) {
      Roomy.findOrAdd(key, memory).value = value;
    },
    getOrMake(key, make) {
      const note = Roomy.findOrAdd(key, memory);
      return (note.value ??= make()) as V;
    },
  };
}

/** What one memory remembers by an object. An object holds a list of these. */
interface Note {
  readonly memory: object;
  value: unknown;
  readonly next: Note | undefined;
}

/** A class that extends this one adds its fields to the object that is given. */
// eslint-disable-next-line typescript/no-extraneous-class -- a function would do the same, and its type would not
class Given {
  constructor(given?: object) {
    // eslint-disable-next-line no-constructor-return -- see above
    if (given) return given;
  }
}

/** The value that the field has on the next object that gets one. */
let initial: Note | undefined;

/** For objects that take no more fields, such as frozen ones. */
let ofClosed: WeakMap<object, Note> | undefined;

/**
 * A class whose objects come with the field. Any other object gets it when it is first remembered by. To find out that an object has no such field costs
 * V8 several times as much as to add or read it, so that is asked as rarely as possible.
 */
export class Roomy extends Given {
  #notes: Note | undefined = initial;

  static find(key: object, memory: object): Note | undefined {
    return noteOf(memory, #notes in key ? key.#notes : ofClosed?.get(key));
  }

  static findOrAdd(key: object, memory: object): Note {
    if (#notes in key) return noteOf(memory, key.#notes) ?? (key.#notes = { memory, value: undefined, next: key.#notes });
    const known = ofClosed?.get(key);
    const found = known && noteOf(memory, known);
    if (found) return found;
    const added: Note = { memory, value: undefined, next: known };
    if (Object.isExtensible(key)) {
      initial = added;
      // eslint-disable-next-line no-new -- what is made is the key with its field
      new Roomy(key);
      initial = undefined;
    } else (ofClosed ??= new WeakMap()).set(key, added);
    return added;
  }
}

function noteOf(memory: object, first: Note | undefined): Note | undefined {
  let note = first;
  while (note && note.memory !== memory) note = note.next;
  return note;
}
