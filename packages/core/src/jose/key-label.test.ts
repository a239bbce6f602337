import { expect, test } from 'vitest';
import { isLabelledFor } from './key-label.js';

const TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';
const ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`;

test.each([
  ['no label', undefined],
  ['the issuer itself', ISSUER],
  ["Entra's placeholder", 'https://login.microsoftonline.com/{tenantid}/v2.0'],
  ['the placeholder in another case', 'https://login.microsoftonline.com/{tenantId}/v2.0'],
])('rule 167: a key with %s may verify tokens of the issuer', (_what, label) => {
  expect(isLabelledFor(label, ISSUER)).toBe(true);
});

test.each([
  'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
  `${ISSUER}/`,
  ISSUER.toUpperCase(),
  `https://login.microsoftonline.com/{tenantid}/v2.0/`,
  'https://login.microsoftonline.com/{tenantid}',
  'https://login.microsoftonline.us/{tenantid}/v2.0',
  'https://sts.windows.net/{tenantid}/',
  '{tenantid}',
  'https://{tenantid}/v2.0',
  'https://login.microsoftonline.com/{tenantid}{tenantid}/v2.0',
  'https://login.microsoftonline.com/{tenantid}/{tenantid}',
  'https://login.microsoftonline.com/{tenant}/v2.0',
  '',
  '*',
])('rule 167: a key labelled %j may not verify tokens of the issuer', (label) => {
  expect(isLabelledFor(label, ISSUER)).toBe(false);
});

test('rule 167: the placeholder matches exactly one segment, which must not be empty or longer than 64 characters', () => {
  const label = 'https://login.example.com/{tenantid}/v2.0';
  for (const tenant of ['', 'a/b', '..%2f', 'a?b', 'a b', 'x'.repeat(65)]) expect(isLabelledFor(label, `https://login.example.com/${tenant}/v2.0`)).toBe(false);
  // the parts before and after the placeholder must not overlap
  expect(isLabelledFor('https://a/v2/{tenantid}/v2', 'https://a/v2')).toBe(false);
});
