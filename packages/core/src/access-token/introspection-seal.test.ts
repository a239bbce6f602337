import { expect, test } from 'vitest';
import { answerName, createAnswerSealer } from './introspection-seal.js';

const answer = { claims: Object.freeze({ active: true, sub: 'user-1' }), askedAt: 1_900_000_000.25 };
const sealer = createAnswerSealer('a secret');

test('rule 74: the name is a hash of the endpoint and of the whole token', () => {
  expect(answerName('e', 'token')).toMatch(/^[\w-]{43}$/);
  const names = [answerName('e', 'token'), answerName('e', 'tokem'), answerName('f', 'token'), answerName('e\nt', 'oken'), answerName('', 'e\ntoken')];
  expect(new Set(names.slice(0, 4)).size).toBe(4);
});

test('rule 74: an answer is opened for its name and token, with its secret, and unchanged', () => {
  const sealed = sealer.seal('name', 'token', answer);
  expect(sealer.open('name', 'token', sealed)).toEqual(answer);
  expect(sealer.seal('name', 'token', answer)).not.toBe(sealed);
  expect(sealer.open('other', 'token', sealed)).toBeUndefined();
  expect(sealer.open('name', 'other', sealed)).toBeUndefined();
  expect(createAnswerSealer('another secret').open('name', 'token', sealed)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    expect(sealer.open('name', 'token', changed.toString('base64url')), `byte ${at}`).toBeUndefined();
    expect(sealer.open('name', 'token', bytes.subarray(0, at).toString('base64url')), `${at} bytes`).toBeUndefined();
  }
});
