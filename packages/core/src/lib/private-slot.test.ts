import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createMemory, WithNotes } from './private-slot.js';

test('each memory finds a value only by the same object, not by a copy', () => {
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

test.each([
  ['a plain object', {}],
  ['a frozen object', Object.freeze({})],
  ['a WithNotes object', new WithNotes()],
])('reads and writes the value of %s through its slot', (_name, key) => {
  const memory = createMemory<object, string>();
  const slot = memory.slotOf(key);
  expect(slot.value).toBeUndefined();
  expect(memory.get(key)).toBeUndefined();
  slot.value = 'first';
  expect(memory.get(key)).toBe('first');
  memory.set(key, 'second');
  expect(slot.value).toBe('second');
  expect(memory.slotOf(key)).toBe(slot);
  expect(createMemory<object, string>().slotOf(key).value).toBeUndefined();
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
] as const)('keeps values for an object that is %s before or after the value is set', (_name, close) => {
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

test('keeps the values of two memories for a WithNotes object, and adds nothing visible to it', () => {
  class Noted extends WithNotes {
    readonly name = 'noted';
  }
  const one = createMemory<object, string>();
  const other = createMemory<object, string>();
  const noted = new Noted();
  expect(one.get(noted)).toBeUndefined();
  one.set(noted, 'first');
  other.set(noted, 'second');
  expect(one.get(noted)).toBe('first');
  expect(other.get(noted)).toBe('second');
  one.set(noted, undefined);
  other.set(noted, 'third');
  expect(one.get(noted)).toBeUndefined();
  expect(other.get(noted)).toBe('third');
  expect(one.get(Object.create(noted) as object)).toBeUndefined();
  expect(one.get({ ...noted })).toBeUndefined();
  expect(Reflect.ownKeys(noted)).toEqual(['name']);
  expect(inspect(noted, { showHidden: true, depth: 9 })).not.toContain('third');
});
