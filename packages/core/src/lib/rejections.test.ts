import { expect, test } from 'vitest';
import { throwRejections } from './rejections.js';

class KeysError extends Error {}

const settled = (...errors: readonly unknown[]) => Promise.allSettled(errors.map((error) => (error === undefined ? Promise.resolve() : Promise.reject(error))));

test('throws nothing if nothing was rejected, and a single error as it is', async () => {
  const results = await settled(undefined, undefined);
  expect(throwRejections(results)).toBeUndefined();
  const error = new KeysError('a');
  const single = await settled(undefined, error);
  expect(() => throwRejections(single)).toThrow(error);
});

test('throws several errors as one, with all messages, of the kind that says most', async () => {
  const errors = [new Error('a'), new KeysError('b')];
  const results = await settled(errors[0], undefined, errors[1]);
  const caught = (kinds?: readonly (typeof Error)[]): Error => {
    try {
      throwRejections(results, kinds);
    } catch (error) {
      return error as Error;
    }
    return expect.unreachable();
  };
  expect(caught([RangeError, KeysError])).toBeInstanceOf(KeysError);
  expect(caught()).not.toBeInstanceOf(KeysError);
  expect(caught().message).toBe('a; b');
  expect((caught().cause as AggregateError).errors).toEqual(errors);
});

test('writes a message once, and needs no Error', async () => {
  const results = await settled(new Error('a'), null, new Error('a'), 'text');
  expect(() => throwRejections(results)).toThrow(/^a; a value that is not an Error$/);
});
