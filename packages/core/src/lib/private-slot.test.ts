import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createMemory, WithNotes } from './private-slot.js';

test('remembers by the very object, in each memory for itself', () => {
  const one = createMemory<object, string>();
  const other = createMemory<object, string>();
  const key = { name: 'key' };
  one.set(key, 'first');
  one.set(key, 'second');
  expect(one.get(key)).toBe('second');
  expect(other.get(key)).toBeUndefined();
  one.set(key, undefined);
  expect(one.get(key)).toBeUndefined();
  one.set(key, 'third');
  expect(one.get({ ...key })).toBeUndefined();
  expect(one.get(structuredClone(key))).toBeUndefined();
  expect(one.get(Object.create(key) as object)).toBeUndefined();
});

test('adds nothing visible to the object', () => {
  const memory = createMemory<object, string>();
  const key = { name: 'key' };
  memory.set(key, 'secret');
  expect(Reflect.ownKeys(key)).toEqual(['name']);
  expect(inspect(key, { showHidden: true, depth: 9 })).not.toContain('secret');
  expect(JSON.stringify(key)).not.toContain('secret');
});

test.each([
  ['frozen', <T extends object>(key: T) => Object.freeze(key) as T],
  ['sealed', <T extends object>(key: T) => Object.seal(key)],
  ['not extensible', <T extends object>(key: T) => Object.preventExtensions(key)],
] as const)('remembers by an object that is %s, before or after', (_name, close) => {
  const memory = createMemory<object, string>();
  const closed = close({});
  memory.set(closed, 'first');
  memory.set(closed, 'closed');
  expect(memory.get(closed)).toBe('closed');
  const later = {};
  memory.set(later, 'open');
  close(later);
  expect(memory.get(later)).toBe('open');
  memory.set(later, 'still open');
  expect(memory.get(later)).toBe('still open');
});

test('an object with room keeps the value of the first memory there, and those of others beside it', () => {
  class Room extends WithNotes {
    readonly name = 'room';
  }
  const one = createMemory<object, string>();
  const other = createMemory<object, string>();
  const room = new Room();
  expect(one.get(room)).toBeUndefined();
  one.set(room, 'first');
  other.set(room, 'second');
  expect(one.get(room)).toBe('first');
  expect(other.get(room)).toBe('second');
  one.set(room, undefined);
  other.set(room, 'third');
  expect(one.get(room)).toBeUndefined();
  expect(other.get(room)).toBe('third');
  expect(one.get(Object.create(room) as object)).toBeUndefined();
  expect(one.get({ ...room })).toBeUndefined();
  expect(Reflect.ownKeys(room)).toEqual(['name']);
  expect(inspect(room, { showHidden: true, depth: 9 })).not.toContain('third');
});
