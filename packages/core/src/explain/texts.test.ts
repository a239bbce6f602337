import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UNAUTHORIZED, UNBOUND } from '../vocabulary/binding-words.js';
import type { Reason } from '../vocabulary/reason.js';
import { TEXTS } from './texts.js';

const PAGES = new URL('../../../../docs/src/content/docs/reasons/', import.meta.url);

test.each(Object.entries(TEXTS))('rule 174: the page about %s begins with its summary, and its fix with its remedy', (reason, { summary, remedy }) => {
  const page = readFileSync(new URL(`${reason.replaceAll('_', '-')}.md`, PAGES), 'utf8').replaceAll('\\', '');
  const [, text = ''] = page.split('\n---\n');
  expect(text.split('\n\n')[0]).toBe(`\n${summary}`);
  expect(page.split('\n## How to fix it\n\n')[1]?.split('\n')[0]).toBe(remedy);
});

test('each summary and remedy starts with a capital letter and ends with a full stop', () => {
  for (const { summary, remedy } of Object.values(TEXTS)) for (const text of [summary, remedy]) expect(text).toMatch(/^[A-Z].*[.]$/);
});

/** Returns the remedy for a reason with a cause. */
function remedyFor(reason: Reason, cause: string): string {
  const { remedy, refine } = TEXTS[reason];
  return refine?.({ cause, expected: undefined, found: undefined }).remedy ?? remedy;
}

test.each([
  ['any', /DPoP proof to the token endpoint, or use its certificate/, /only|Bearer/],
  ['anyWithoutDpop', /certificate at the token endpoint/, /DPoP/],
  ['dpop', /DPoP proof to the token endpoint/, /use its certificate|Bearer/],
  ['mtls', /certificate at the token endpoint/, /proof|Bearer/],
  ['scheme', /^Send tokens that are bound to nothing, or to a certificate, as "Authorization: Bearer/, /use its certificate/],
] as const)('rule 174: the remedy for an unbound token fits what was demanded: %s', (demanded, fitting, other) => {
  const remedy = remedyFor('unbound_token', UNBOUND[demanded]);
  expect(remedy).toMatch(fitting);
  expect(remedy).not.toMatch(other);
});

test('rule 174: the remedy for a certificate speaks of the place where the guard looks for it', () => {
  expect(remedyFor('wrong_certificate', UNAUTHORIZED.server)).toMatch(/^Give the TLS server/);
  expect(remedyFor('wrong_certificate', UNAUTHORIZED.function)).toMatch(/^Have getCertificate return authorized: true/);
  expect(remedyFor('missing_certificate', 'the connection has none')).toMatch(/requestCert on the TLS server/);
  for (const cause of ['getCertificate returned none', 'getCertificate threw an error', 'what getCertificate returned is neither a nor b'])
    expect(remedyFor('missing_certificate', cause)).toMatch(/getCertificate return it(?!.*TLS server)/);
  for (const cause of ['there is no header client-cert', 'the header client-cert is duplicated'])
    expect(remedyFor('missing_certificate', cause)).toMatch(/trustedProxies(?!.*requestCert)/);
});

test('refine never throws, whatever the values are', () => {
  const values = [undefined, null, 0, '', 'x', [], {}, 'https://', ['https://a/b', 7]];
  for (const { refine } of Object.values(TEXTS)) {
    for (const expected of values) for (const found of values) for (const cause of [undefined, '', 'exp']) refine?.({ cause, expected, found });
  }
});
