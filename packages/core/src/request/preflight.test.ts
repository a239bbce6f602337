import { expect, test } from 'vitest';
import { isPreflight } from './preflight.js';

const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'PUT' };

function isPassed(headers: Record<string, string | string[]>): boolean {
  return isPreflight({ method: 'OPTIONS', target: '/', headers });
}

test('rule 108: reads the fields of a preflight in any case of their names', () => {
  expect(isPassed(PREFLIGHT)).toBe(true);
  expect(isPassed({ Origin: 'https://app.example.test', 'Access-Control-Request-Method': 'PUT' })).toBe(true);
  expect(isPassed({ origin: ['https://app.example.test'], 'access-control-request-method': ['PUT'], 'Content-Length': '0' })).toBe(true);
  for (const name of ['Authorization', 'COOKIE', 'Content-Type', 'Transfer-Encoding', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])
    for (const one of [name, name.toLowerCase()]) expect([one, isPassed({ ...PREFLIGHT, [one]: 'PUT' })]).toEqual([one, false]);
  expect(isPassed({ ...PREFLIGHT, 'Content-Length': '2' })).toBe(false);
});

test('rule 108: a repeated field, in any case of its name, is not that of a preflight', () => {
  expect(isPassed({ ...PREFLIGHT, Origin: 'https://app.example.test' })).toBe(false);
  expect(isPassed({ ...PREFLIGHT, 'Access-Control-Request-Method': 'DELETE' })).toBe(false);
  expect(isPassed({ ...PREFLIGHT, 'access-control-request-method': ['PUT', 'DELETE'] })).toBe(false);
  expect(isPassed({ ...PREFLIGHT, 'content-length': '0', 'Content-Length': '0' })).toBe(false);
});
