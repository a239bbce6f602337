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

test('rule 135: no answer has both a token and text of its request', async () => {
  const world = await startWorld({
    session: { mode: 'token-mediating' },
    isLoggedIn: false,
    // too long for a URL, so a page has it
    provider: {
      configuration: {
        conformIdTokenClaims: false,
        claims: { openid: ['sub', 'sid', 'groups'] },
        findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, groups: 'x'.repeat(2500) }) }),
      },
    },
  });
  const found: Record<string, string> = {};

  async function look(route: string, answer: Response): Promise<void> {
    const text = await answer.text();
    const kinds = world.issued.filter(({ token }) => text.includes(token)).map(({ kind }) => kind);
    found[route] = [answer.status, ...kinds, ...(text.includes(TEXT) ? ['text'] : [])].join(' ');
    if (kinds.length > 0) expect(answer.headers.get('cache-control')).toBe('no-store');
  }

  await look('a callback that failed', await visit(world, 'GET', '/session/callback'));
  const started = await visit(world, 'GET', `/session/login?returnTo=/${TEXT}`);
  const callback = await world.browser.logInAt(started.headers.get('location')!, world.app.origin);
  await look('callback', await visit(world, 'GET', callback.href, [TEXT]));
  for (const [method, route] of [
    ['GET', 'user'],
    ['POST', 'token'],
    ['POST', 'backchannel-logout'],
    ['GET', TEXT],
    ['GET', 'token'],
    ['POST', 'logout'],
    ['GET', 'logout/continue'],
  ] as const) {
    // eslint-disable-next-line no-await-in-loop -- a session has one life
    await look(`${method} ${route}`, await visit(world, method, `/session/${route}`));
  }
  expect(found).toEqual({
    'a callback that failed': '302',
    // the link to the page after the login
    callback: '200 text',
    'GET user': '200',
    'POST token': '200 access_token',
    'POST backchannel-logout': '400',
    [`GET ${TEXT}`]: '404',
    'GET token': '405',
    'POST logout': '200',
    'GET logout/continue': '200 id_token',
  });
});

test('rule 135: the answer of a logout has an ID token, and no text of its request', async () => {
  const world = await startWorld();
  const text = await (await visit(world, 'POST', '/session/logout')).text();
  expect(text).toContain(world.issued.find(({ kind }) => kind === 'id_token')!.token);
  expect(text).not.toContain(TEXT);
});
