/** Keeps one value for each object, as a WeakMap does. */
export interface Memory<K extends object, V> {
  get(key: K): V | undefined;
  /** @param value undefined removes the value */
  set(key: K, value: V | undefined): void;
  /** Returns the remembered value. If there is none, remembers what `make` returns. */
  getOrMake(key: K, make: () => V): V;
  /** Returns the place of an object's value, to read and to write it: to find the place twice costs more than the rest of a check. */
  slotOf(key: K): Slot<V>;
}

/** Where a memory keeps the value of one object. */
export interface Slot<V> {
  value: V | undefined;
}

/**
 * Creates a memory that keeps its values on the objects themselves, in a private field that nobody can see or copy. A WeakMap costs more than most of
 * what a guard does: the garbage collector walks through its entries, and a key that its own value refers to (as a view refers to its request)
 * survives all but a full collection.
 */
export function createMemory<K extends object, V>(): Memory<K, V> {
  const memory = {};
  return {
    get: (key) => WithNotes.find(key, memory)?.value as V | undefined,
    set(key, value) {
      WithNotes.findOrAdd(key, memory).value = value;
    },
    getOrMake(key, make) {
      const note = WithNotes.findOrAdd(key, memory);
      return (note.value ??= make()) as V;
    },
    slotOf: (key) => WithNotes.findOrAdd(key, memory) as Slot<V>,
  };
}

/** The value that one memory keeps for an object. The notes of an object form a linked list. */
interface Note {
  readonly memory: object;
  value: unknown;
  readonly next: Note | undefined;
}

/** Returns the object that it is given, so that a subclass adds its private fields to that object. */
// eslint-disable-next-line typescript/no-extraneous-class -- a function would do the same, and its type would not
class ReturnsGiven {
  constructor(given?: object) {
    // eslint-disable-next-line no-constructor-return -- see above
    if (given) return given;
  }
}

/** The notes of objects that take no more fields, such as frozen ones. */
let notesOfFrozen: WeakMap<object, Note> | undefined;

/**
 * A class whose objects have the field from the start. Any other object gets it with its first value. For V8, finding out that an object lacks the field
 * costs several times as much as adding or reading it, so this code tests for it as rarely as possible.
 */
export class WithNotes extends ReturnsGiven {
  #notes: Note | undefined;

  /**
   * @param given gets the field, if it is set
   * @param notes the first value of the field. A variable of this module would cost more, since V8 records each old place that refers to a new object
   */
  constructor(given?: object, notes?: Note) {
    super(given);
    this.#notes = notes;
  }

  static find(key: object, memory: object): Note | undefined {
    return noteOf(memory, #notes in key ? key.#notes : notesOfFrozen?.get(key));
  }

  static findOrAdd(key: object, memory: object): Note {
    if (#notes in key) return noteOf(memory, key.#notes) ?? (key.#notes = { memory, value: undefined, next: key.#notes });
    const known = notesOfFrozen?.get(key);
    const found = known && noteOf(memory, known);
    if (found) return found;
    const added: Note = { memory, value: undefined, next: known };
    try {
      // eslint-disable-next-line no-new -- it adds the field to the key
      new WithNotes(key, added);
    } catch {
      (notesOfFrozen ??= new WeakMap()).set(key, added);
    }
    return added;
  }
}

function noteOf(memory: object, first: Note | undefined): Note | undefined {
  let note = first;
  while (note && note.memory !== memory) note = note.next;
  return note;
}
