import { expect, test } from 'vitest';
import { createWarn } from './warnings.js';

function printer() {
  const printed: string[] = [];
  return { printed, warn: createWarn((text) => void printed.push(text)) };
}

test('prints each kind of warning once, whatever its text', () => {
  const { printed, warn } = printer();
  for (let host = 0; host < 1000; host++) warn(`seen at host-${host}`, 'another origin');
  warn('the secret is wrong');
  warn('the secret is wrong');
  warn('the key is wrong');
  expect(printed).toEqual(['seen at host-0', 'the secret is wrong', 'the key is wrong']);
});

test('stops after a hundred kinds: an issuer can invent error codes', () => {
  const { printed, warn } = printer();
  for (let code = 0; code < 1000; code++) warn(`a login failed: ${code}`);
  expect(printed).toHaveLength(100);
});
