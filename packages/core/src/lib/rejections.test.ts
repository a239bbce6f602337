import { expect, test } from 'vitest';
import { throwRejections } from './rejections.js';
import { TokenwardError } from './tokenward-error.js';

class KeysError extends TokenwardError {
  readonly code = 'TOKENWARD_KEYS_UNAVAILABLE';
}
class StoreError extends TokenwardError {
  readonly code = 'TOKENWARD_REVOCATION_STORE';
}

const settled = (...errors: readonly unknown[]): PromiseSettledResult<unknown>[] =>
  errors.map((reason) => (reason === undefined ? { status: 'fulfilled', value: undefined } : { status: 'rejected', reason }));

test('throws nothing if nothing was rejected, and a single error as it is', () => {
  const none = settled(undefined, undefined);
  expect(throwRejections(none)).toBeUndefined();
  const error = new Error('a');
  const single = settled(undefined, error);
  expect(() => throwRejections(single)).toThrow(error);
});

test('throws several errors as one, with all messages, of the kind that says most', () => {
  const errors = [new StoreError('a'), new KeysError('b'), new StoreError('a')];
  const results = settled(errors[0], undefined, errors[1], errors[2]);
  const caught = (kinds?: Parameters<typeof throwRejections>[1]): Error => {
    try {
      throwRejections(results, kinds);
    } catch (error) {
      return error as Error;
    }
    return expect.unreachable();
  };
  expect(caught([KeysError, StoreError])).toBeInstanceOf(KeysError);
  expect(caught()).not.toBeInstanceOf(TokenwardError);
  expect(caught().message).toBe('a; b');
  expect((caught().cause as AggregateError).errors).toEqual(errors);
});

test('quotes no error of the user', () => {
  const results = settled(new KeysError('a'), new RangeError('redis://user:password@host'), null);
  expect(() => throwRejections(results)).toThrow(/^a; RangeError; an? object$/);
});
