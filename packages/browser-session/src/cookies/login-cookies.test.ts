import { beforeEach, expect, test } from 'vitest';
import type { LoginAttempt } from '../oidc/login-client.js';
import { attemptOf, keepAttempt, LOGIN_COOKIE, loginCookieName, openAttempts } from './login-cookies.js';
import { createSealer } from './seal.js';

const SECRET = 'Zk3v9Q1xY7r0Wb5tN2mC8uJ4hL6sD0fG1aPq';
const sealer = createSealer([SECRET], 'login', LOGIN_COOKIE);
let seconds = 1_800_000_000;
const config = {
  issuer: 'https://login.example.com',
  origin: 'https://app.example.com',
  loginSeconds: 600,
  clock: { now: () => seconds * 1000, monotonic: () => seconds * 1000 },
};

beforeEach(() => {
  seconds = 1_800_000_000;
});

function attempt(state: string, more: Partial<LoginAttempt> = {}): LoginAttempt {
  const secrets = { nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) };
  return {
    state,
    ...secrets,
    issuer: config.issuer,
    returnTo: '/',
    startedAt: seconds,
    maxAge: undefined,
    acrValues: undefined,
    more: [],
    replaces: undefined,
    ...more,
  };
}

const REPLACED = { id: 'id', subject: 'user-1', issuedAt: seconds - 10.5, startedAt: seconds - 10 };

/** A cookie jar. */
function apply(jar: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name, value] = /^([^=]+)=([^;]*);/.exec(line)!;
    if (line.includes('; Max-Age=0;')) jar.delete(name!);
    else jar.set(name!, value!);
  }
}

function header(jar: Map<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}

async function start(jar: Map<string, string>, one: LoginAttempt): Promise<readonly string[]> {
  const lines = await keepAttempt(one, await openAttempts(header(jar), sealer, config), sealer, config);
  apply(jar, lines);
  return lines;
}

test('rule 124: keeps an attempt in a short-lived Lax cookie of its own', async () => {
  const jar = new Map<string, string>();
  const [line] = await start(jar, attempt('s1', { returnTo: '/orders', maxAge: 60, acrValues: 'high', replaces: REPLACED }));
  expect(line).toMatch(/^__Host-login-[\w-]{10}=[\w.-]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/);
  expect(line).not.toContain('v'.repeat(43));
  const opened = await openAttempts(header(jar), sealer, config);
  expect(attemptOf(opened, 's1')).toEqual(attempt('s1', { returnTo: '/orders', maxAge: 60, acrValues: 'high', replaces: REPLACED }));
  expect(attemptOf(opened, 's2')).toBeUndefined();
  expect(attemptOf(opened, '')).toBeUndefined();
});

test('rule 124: two tabs do not spoil each other', async () => {
  const jar = new Map<string, string>();
  await start(jar, attempt('tab-1'));
  await start(jar, attempt('tab-2'));
  const opened = await openAttempts(header(jar), sealer, config);
  expect([attemptOf(opened, 'tab-1')?.state, attemptOf(opened, 'tab-2')?.state]).toEqual(['tab-1', 'tab-2']);
});

test('login cookies do not pile up: at most four, and the oldest go', async () => {
  const jar = new Map<string, string>();
  for (let index = 0; index < 20; index++) {
    seconds++;
    await start(jar, attempt(`s${index}`));
    expect(jar.size).toBeLessThanOrEqual(4);
    expect(header(jar).length).toBeLessThan(4500);
  }
  const opened = await openAttempts(header(jar), sealer, config);
  expect(opened.attempts.map(({ attempt }) => attempt.state)).toEqual(['s19', 's18', 's17', 's16']);
});

test('login cookies do not pile up: with long addresses there are fewer', async () => {
  const jar = new Map<string, string>();
  for (let index = 0; index < 4; index++) {
    seconds++;
    await start(jar, attempt(`s${index}`, { returnTo: `/${'a'.repeat(1000)}` }));
    expect(header(jar).length).toBeLessThan(4500);
  }
  expect(jar.has(loginCookieName('s3'))).toBe(true);
});

const PLAIN = { returnTo: `/${'a'.repeat(1023)}`, acrValues: 'a'.repeat(500), more: [['organization', 'o'.repeat(490)]] as const };

test.each<[string, Partial<LoginAttempt>, (keyof LoginAttempt)[]]>([
  ['long values', PLAIN, []],
  ['an address that doubles in JSON', { ...PLAIN, returnTo: `/?${'\\'.repeat(1022)}` }, ['acrValues', 'more']],
  [
    'values and a subject that double in JSON',
    { returnTo: `/?${'\\'.repeat(1022)}`, acrValues: '"'.repeat(500), replaces: { ...REPLACED, subject: 's'.repeat(1024) } },
    ['acrValues', 'returnTo'],
  ],
])('no attempt is too long for a cookie: %s', async (_what, given, forgotten) => {
  const jar = new Map<string, string>();
  // as long as those that a login makes
  const own = { state: `${'s'.repeat(43)}.r`, maxAge: 999_999_999, replaces: { ...REPLACED, id: 'i'.repeat(43) }, ...given };
  const [line] = await start(jar, attempt(own.state, own));
  expect(line!.length).toBeLessThanOrEqual(4096);
  const kept = attemptOf(await openAttempts(header(jar), sealer, config), own.state);
  const withoutThem = Object.fromEntries(forgotten.map((name) => [name, { acrValues: undefined, more: [], returnTo: '/' }[name as string]]));
  expect(kept).toEqual({ ...attempt(own.state, own), ...withoutThem });
});

test.each<[string, () => Promise<string>]>([
  ['an unreadable one', async () => 'x'],
  ['one of another secret', () => createSealer([`${SECRET}!`], 'login', LOGIN_COOKIE).seal(JSON.stringify(attempt('s')))],
  ['one sealed for another purpose', () => createSealer([SECRET], 'session', LOGIN_COOKIE).seal(JSON.stringify(attempt('s')))],
  ['one of another issuer', () => sealer.seal(JSON.stringify(attempt('s', { issuer: 'https://other.example.com' })))],
  ['one without a verifier', () => sealer.seal(JSON.stringify({ ...attempt('s'), codeVerifier: undefined }))],
  ['one that is no object', () => sealer.seal('null')],
  ['one that is no JSON', () => sealer.seal('{')],
  ['an expired one', () => sealer.seal(JSON.stringify(attempt('s', { startedAt: seconds - 600 })))],
])('rule 132: %s is no attempt, and is deleted', async (_name, value) => {
  const jar = new Map([[loginCookieName('s'), await value()]]);
  const opened = await openAttempts(header(jar), sealer, config);
  expect(opened).toEqual({ attempts: [], useless: [loginCookieName('s')] });
  await start(jar, attempt('new'));
  expect([...jar.keys()]).toEqual([loginCookieName('new')]);
});

test('rule 132: an attempt under the name of another one is no attempt', async () => {
  const jar = new Map([[loginCookieName('other'), await sealer.seal(JSON.stringify(attempt('s')))]]);
  expect((await openAttempts(header(jar), sealer, config)).attempts).toEqual([]);
});

test('opens few of many cookies, and leaves those of others alone', async () => {
  let opened = 0;
  const counting = { seal: sealer.seal, open: (text: string) => (opened++, sealer.open(text)) };
  const many = Array.from({ length: 200 }, (_, index) => `__Host-login-${String(index).padStart(10, '0')}=x`).join('; ');
  const { useless } = await openAttempts(`__Host-session=a; login=b; __Host-login-short=c; ${many}`, counting, config);
  expect([opened, useless.length]).toEqual([8, 20]);
  expect(useless.every((name) => /^__Host-login-\d{10}$/.test(name))).toBe(true);
});

test('rule 127: an attempt does not lead to another origin, even if an older release had sealed it', async () => {
  const jar = new Map([[loginCookieName('s'), await sealer.seal(JSON.stringify(attempt('s', { returnTo: '//evil.example' })))]]);
  expect(attemptOf(await openAttempts(header(jar), sealer, config), 's')?.returnTo).toBe('/');
});
