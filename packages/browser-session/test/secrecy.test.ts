import { inspect } from 'node:util';
import { memorySessions } from '@tokenward/core';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { answerTokens, idTokenOf, tokenResponse } from './token-responses.ts';
import { signingKey } from './provider.ts';
import { cookiesOf, CSRF, startWorld, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
  test('events, warnings and log lines contain no token, cookie or secret', async () => {
    const lines: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      const write = vi.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
      onTestFinished(() => write.mockRestore());
    }
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void lines.push(String(warning)));
    onTestFinished(() => warn.mockRestore());
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const secrets = [...cookiesOf(world).values()];
    await world.callApi();
    world.clock.advance(301);
    await world.callApi();
    secrets.push(...cookiesOf(world).values());
    // failures of every kind
    world.clock.advance(301);
    world.provider.intercept = answerTokens(500, 'Internal error');
    await world.callApi();
    world.clock.advance(6);
    const forged = await idTokenOf(world, key, { sub: 'mallory' });
    world.provider.intercept = answerTokens(200, tokenResponse({ id_token: forged }));
    await world.callApi();
    world.provider.intercept = undefined;
    await world.logIn();
    secrets.push(...cookiesOf(world).values());
    await world.page('POST', '/session/logout');
    await fetch(`${world.app.origin}/session/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: forged }) });

    const tokens = [...world.issued.map(({ token }) => token), forged, 'made-up', world.provider.clientSecret, ...secrets];
    expect(world.issued.filter(({ kind }) => kind === 'refresh_token')).toHaveLength(3);
    const published = [JSON.stringify(world.events), inspect(world.events, { depth: 9 }), ...lines].join('\n');
    expect(world.sessionEvents()).toEqual([
      'login done',
      'refresh done',
      'refresh failed issuer_unavailable',
      'refresh refused invalid_response',
      'end done invalid_response',
      'login done',
      'logout done',
      'end refused invalid_logout_token',
    ]);
    // parts of a token give it away, too
    for (const token of tokens) for (const part of token.split('.').filter(({ length }) => length >= 16)) expect(published).not.toContain(part);
  });

  test('the session object shows no secret, and no answer in mode bff contains a token', async () => {
    const world = await startWorld({ session: options() });
    const { session } = world.app;
    const shown = inspect(session, { depth: 9, showHidden: true }) + JSON.stringify(session);
    expect(shown).not.toContain('a secret of a test');
    expect(shown).not.toContain(world.provider.clientSecret);
    const answers = [await world.page('GET', '/session/user'), await world.page('POST', '/session/logout')];
    const texts = await Promise.all(answers.map(async (answer) => (await answer.text()) + JSON.stringify([...answer.headers])));
    for (const { kind, token } of world.issued) if (kind !== 'id_token') for (const text of texts) expect(text).not.toContain(token);
  });
});

test('a polluted prototype gives a refusal no token', async () => {
  const world = await startWorld();
  const prototype = Object.prototype as { token?: string };
  const headers = { cookie: [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ') };
  prototype.token = 'a token';
  try {
    const refused = await world.app.session![SESSION_CREDENTIALS]({ method: 'GET', target: '/', headers });
    expect(refused).toMatchObject({ reason: 'cross_site_request', token: undefined });
    expect(Object.hasOwn(refused!, 'token')).toBe(true);
  } finally {
    delete prototype.token;
  }
  expect(await world.app.session![SESSION_CREDENTIALS]({ method: 'GET', target: '/', headers: CSRF })).toBeUndefined();
});
