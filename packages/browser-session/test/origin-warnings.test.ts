import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createBrowserSession } from '@tokenward/browser-session';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { describe, expect, onTestFinished, test } from 'vitest';

const ORIGIN = 'https://app.example.com';
const CSRF = { 'x-tokenward-csrf': '1' };
const ELSEWHERE =
  'browsers see this app at https://shop.example/, but the option origin is https://app.example.com. Set origin to the address that browsers use';
const OVER_HTTP = (sign: string): string =>
  `a browser came over http, as ${sign} says, but the option origin is https://app.example.com. Redirect http to https`;

/** Sessions whose issuer nobody asks, and the warnings of the process. */
function setUp() {
  const session = createBrowserSession({
    issuer: 'http://127.0.0.1:1',
    clientId: 'web-app',
    clientSecret: 'a-client-secret-of-more-than-32-characters',
    origin: ORIGIN,
    secrets: ['a secret of a test that has more than 32 characters'],
  });
  onTestFinished(() => session.close());
  const warnings: string[] = [];
  const listener = (warning: Error): void => {
    if ((warning as NodeJS.ErrnoException).code === 'TOKENWARD_SESSION') warnings.push(warning.message);
  };
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  /** Resolves when all warnings so far have arrived. */
  async function told(): Promise<readonly string[]> {
    const arrived = new Promise<void>((resolve) => {
      process.once('warning', () => resolve());
    });
    process.emitWarning('the last one');
    await arrived;
    return warnings;
  }
  const visit = (path: string, headers: Record<string, string>): Promise<Response> => session.handle(new Request(`http://10.0.0.1${path}`, { headers }));
  return { session, told, visit };
}

const PROGRAM = `
  import { createBrowserSession } from '@tokenward/browser-session';
  const origin = 'https://app.example.com';
  const session = createBrowserSession({
    issuer: 'http://127.0.0.1:1',
    clientId: 'web-app',
    clientSecret: 'a-client-secret-of-more-than-32-characters',
    origin,
    secrets: ['a secret of a test that has more than 32 characters'],
  });
  const proxy = session.proxy({ to: 'http://127.0.0.1:1', methods: ['GET'], paths: ['/'], mountPath: '/api' });
  const call = (to, path, headers) => to(new Request(origin + path, { method: path.endsWith('logout') ? 'POST' : 'GET', headers: { cookie: '__Host-session=PLANTED', ...headers } }));
  const own = { 'x-tokenward-csrf': '1' };
  await call(session.handle, '/session/user?PLANTED', { ...own, origin: 'https://evil.example/PLANTED' });
  await call(session.handle, '/session/logout', { ...own, 'sec-fetch-site': 'same-site' });
  await call(proxy, '/api/orders', { 'x-tokenward-csrf': 'PLANTED' });
  await call(session.handle, '/session/user', own);
  await session.close();
`;

test('rule 174: NODE_DEBUG=tokenward prints each call that the routes or the proxy refuse, with the header that was expected and the one found', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: 'tokenward' },
  });
  expect(status, stderr).toBe(0);
  const lines = stderr.split('\n').filter((line) => line.startsWith('TOKENWARD'));
  expect(lines.map((line) => line.replace(/^TOKENWARD \d+: /, ''))).toEqual([
    'GET /session/user -> 403 cross_site_request: Origin is not the origin of the app. Expected: Origin: https://app.example.com. Found: Origin: https://evil.example.',
    'POST /session/logout -> 403 cross_site_request: Sec-Fetch-Site is not same-origin. Expected: Sec-Fetch-Site: same-origin. Found: Sec-Fetch-Site: same-site.',
    'GET /api/orders -> 403 cross_site_request: the header x-tokenward-csrf: 1 is missing. Expected: x-tokenward-csrf: 1. Found: another value.',
  ]);
  expect(stderr).not.toContain('PLANTED');
});

describe('callback address behind proxies: one sentence says', () => {
  test.each([
    ['the login of a page of another origin', '/session/login', { 'sec-fetch-site': 'same-origin', referer: 'https://shop.example/cart?secret=1' }, ELSEWHERE],
    ['a call of a page of another origin', '/session/user', { ...CSRF, 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' }, ELSEWHERE],
    ['a proxy that says http', '/session/login', { 'sec-fetch-site': 'none', 'x-forwarded-proto': 'http' }, OVER_HTTP('x-forwarded-proto of the proxy')],
    ['a browser over http, and a proxy that says nothing', '/session/login', { referer: 'http://app.example.com/' }, OVER_HTTP('its Referer')],
  ])('what to change after %s, and says it once', async (_what, path, headers, sentence) => {
    const { visit, told } = setUp();
    await visit(path, headers);
    await visit(path, headers);
    const warnings = (await told()).filter((text) => !text.includes('a login at'));
    expect(warnings).toEqual([expect.stringContaining(sentence)]);
    expect(warnings.join()).not.toContain('secret=1');
  });

  test('the same if a guard or a proxy refuses the call', async () => {
    const headers = { ...CSRF, cookie: '__Host-session=x', origin: 'https://shop.example', 'sec-fetch-site': 'same-origin' };
    const guarded = setUp();
    expect(await guarded.session[SESSION_CREDENTIALS]({ method: 'GET', target: '/', headers })).toMatchObject({ reason: 'cross_site_request' });
    expect(await guarded.told()).toEqual([expect.stringContaining(ELSEWHERE)]);
    const proxied = setUp();
    const proxy = proxied.session.proxy({ to: 'http://127.0.0.1:1', methods: ['GET'], paths: ['/'] });
    expect((await proxy(new Request(`${ORIGIN}/orders`, { headers }))).status).toBe(403);
    expect(await proxied.told()).toEqual([expect.stringContaining(ELSEWHERE)]);
  });

  test.each([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', referer: 'https://evil.example/' }],
    ['no browser', { host: 'evil.example', 'x-forwarded-host': 'evil.example', origin: 'https://evil.example' }],
    ['the app itself', { origin: ORIGIN, referer: `${ORIGIN}/page`, 'sec-fetch-site': 'same-origin', 'x-forwarded-proto': 'https' }],
    ['the http page of the same host, over https', { referer: 'http://app.example.com/', 'sec-fetch-site': 'cross-site' }],
  ])('nothing after a request of %s, whatever the host', async (_what, headers) => {
    const { visit, told } = setUp();
    await visit('/session/user', { ...CSRF, ...headers });
    expect(await told()).toEqual([]);
  });

  test('one sentence for all hosts: a stranger can write any, and must not fill the log', async () => {
    const { visit, told } = setUp();
    for (const host of ['shop.example', 'a.example', 'b.example'])
      await visit('/session/user', { ...CSRF, 'sec-fetch-site': 'same-origin', origin: `https://${host}` });
    expect(await told()).toEqual([expect.stringContaining(ELSEWHERE)]);
  });
});
