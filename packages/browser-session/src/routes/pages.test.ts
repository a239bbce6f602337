import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { landingPage, page, redirect } from './pages.js';

const ATTACK = `/x?"><script>alert(1)</script>'&amp;`;

test('rule 137: nothing in a page is markup but its own', async () => {
  for (const response of [landingPage(ATTACK, []), page({ status: 400, title: ATTACK, text: ATTACK, link: { href: ATTACK, text: ATTACK } })]) {
    const body = await response.text();
    expect(body).not.toContain('<script');
    expect(body.match(/="[^"]*"/g)).toContain(`="/x?&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#39;&#38;amp;"`);
  }
});

test('a page is in no cache and in no frame, runs nothing, and its own style is the only one', async () => {
  const response = page({ status: 503, title: 'a', text: 'b', headers: { 'retry-after': '5' } });
  const style = /<style>(.*)<\/style>/.exec(await response.text())![1]!;
  expect(Object.fromEntries(response.headers)).toEqual({
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'content-type': 'text/html; charset=utf-8',
    'referrer-policy': 'no-referrer',
    'retry-after': '5',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
});

test('keeps each Set-Cookie line apart', () => {
  for (const response of [landingPage('/', ['a=1', 'b=2']), redirect('https://login.example.com/', ['a=1', 'b=2'])])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});
