import { expect, test } from 'vitest';
import { CSRF, startWorld, type World } from './world.ts';

// A server that compresses answers shows by their length what of a request's text they repeat (BREACH). So no answer has both: a token, and text of its request.

const TEXT = 'text-that-the-caller-chose';
const NAMES = [TEXT, 'returnTo', 'login_hint', 'error', 'error_description', 'state'];

/** Requests an address with the text wherever a caller can put one. */
function visit({ browser, app }: World, method: 'GET' | 'POST', path: string, names = NAMES): Promise<Response> {
  browser.cookies(app.origin).set('text', TEXT);
  const url = new URL(path, app.origin);
  for (const name of names) if (!url.searchParams.has(name)) url.searchParams.set(name, TEXT);
  const headers = { ...CSRF, 'user-agent': TEXT, referer: `${app.origin}/${TEXT}`, 'accept-language': TEXT, 'x-forwarded-host': TEXT, accept: TEXT };
  return browser.visit(url, { method, headers, ...(method === 'POST' && { form: { [TEXT]: TEXT, logout_token: TEXT } }) });
}

test('rule 135: the answer of a logout has an ID token, and no text of its request', async () => {
  const world = await startWorld();
  const text = await (await visit(world, 'POST', '/session/logout')).text();
  expect(text).toContain(world.issued.find(({ kind }) => kind === 'id_token')!.token);
  expect(text).not.toContain(TEXT);
});
