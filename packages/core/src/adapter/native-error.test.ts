import { isError } from '../lib/native-error.js';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { asError } from './refusals.js';
import { causeText } from '../explain/cause-text.js';
import { failureWords } from '../net/fetch-failure.js';

const foreign: unknown = runInNewContext(`Object.assign(new TypeError('connect'), { code: 'ECONNREFUSED' })`);

test('isError recognises an error of another realm, and no object that only looks like an error', () => {
  expect(foreign).not.toBeInstanceOf(Error);
  expect([foreign, new Error('one'), new DOMException('one')].map(isError)).toEqual([true, true, true]);
  expect([undefined, null, 'Error', { name: 'Error', message: 'one', stack: '' }].map(isError)).toEqual([false, false, false, false]);
});

test('explains a failed fetch whose error comes from another realm', () => {
  expect(failureWords(foreign, 'http://127.0.0.1:9/jwks')).toMatch(/^connect; no server listens there/);
  expect(causeText(foreign)).toBe('connect');
  expect(asError(foreign)).toBe(foreign);
});
