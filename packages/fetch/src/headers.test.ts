import { expect, test } from 'vitest';
import { recordOf } from './headers.js';

const headers = new Headers({ Authorization: 'Bearer a', 'X-One': '1' });

test('reads one field, or all of them', () => {
  for (const record of [recordOf(headers), Object.assign(recordOf(headers))]) {
    expect(record['authorization']).toBe('Bearer a');
    expect({ ...record }).toEqual({ authorization: 'Bearer a', 'x-one': '1' });
    expect(Object.keys(record)).toEqual(['authorization', 'x-one']);
    expect(record['x-one']).toBe('1');
    expect('x-one' in record && Object.hasOwn(record, 'authorization')).toBe(true);
    expect('x-two' in record || Object.hasOwn(record, 'x-two')).toBe(false);
  }
});

test('knows names in lower case only, and nothing of the prototype of objects', () => {
  const record = recordOf(headers) as Record<string, unknown>;
  const whole = recordOf(headers) as Record<string, unknown>;
  expect(Object.keys(whole)).toHaveLength(2);
  for (const one of [record, whole]) {
    for (const name of ['Authorization', 'X-One', '__proto__', 'constructor', 'hasOwnProperty', 'get', 'toString', ':authority', 'a b', ''])
      expect(one[name]).toBeUndefined();
    expect(one[Symbol.iterator as never]).toBeUndefined();
  }
});

test('rule 220: a field Authorization with a comma is several lines', () => {
  for (const value of ['Bearer a, Bearer b', 'Bearer a,', ', Bearer a']) {
    const record = recordOf(new Headers({ authorization: value }));
    expect(record['authorization']).toHaveLength(2);
    expect({ ...record }['authorization']).toHaveLength(2);
  }
  expect(recordOf(new Headers({ accept: 'a, b' }))['accept']).toBe('a, b');
});

test('cannot be changed by what it is given later', () => {
  const own = new Headers({ a: '1' });
  const record = recordOf(own);
  expect(Object.keys(record)).toEqual(['a']);
  own.set('authorization', 'Bearer planted');
  expect(record['authorization']).toBeUndefined();
});
