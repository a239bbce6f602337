import { createResourceGuard, KeysUnavailableError, observe, type Events, type ResourceGuard } from '@tokenward/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { ask, createScene, createTwoIssuers, verdictOf } from './guarded.js';

test('an outage of the issuer prints one warning at its start and one at its end', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, clock, verdict } = await createScene();
  issuer.misbehave('error', 'jwks');
  for (let second = 0; second < 5; second++) {
    expect(await verdict({})).toBe('keys_unavailable');
    clock.advance(60);
  }
  const [start, ...more] = await seen();
  expect(start).toMatch(
    /^tokenward: the keys of http:\/\/127\.0\.0\.1:\d+ could not be fetched: .*\/jwks: answered with status 500; its tokens get 503 \(https:\/\/tokenward\.github\.io\/tokenward\/reasons\/keys-unavailable\/\)$/,
  );
  expect(more).toEqual([]);
  issuer.behave();
  clock.advance(60);
  expect(await verdict({})).toBe('allow');
  expect(await seen()).toEqual([start, `tokenward: the keys of ${issuer.issuer} can be fetched again`]);
});

test('the warning says if cached keys stay in use', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, clock, guard, verdict } = await createScene();
  await guard.warm();
  issuer.misbehave('reset', 'jwks');
  clock.advance(500);
  // refreshes the keys in the background
  expect(await verdict({})).toBe('allow');
  await expect.poll(seen).toEqual([expect.stringMatching(/; the cached keys stay in use for now \(https:.*\)$/)]);
});

test('what warm() reports is not printed as well, and the end of that outage is', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, clock, guard, verdict } = await createScene();
  issuer.misbehave('error', 'jwks');
  await expect(guard.warm()).rejects.toThrow('answered with status 500');
  clock.advance(60);
  expect(await verdict({})).toBe('keys_unavailable');
  expect(await seen()).toEqual([]);
  issuer.behave();
  clock.advance(60);
  expect(await verdict({})).toBe('allow');
  expect(await seen()).toEqual([`tokenward: the keys of ${issuer.issuer} can be fetched again`]);
});

test('warm() reports each issuer that failed', async () => {
  const { one, other, guard } = await createTwoIssuers();
  one.misbehave('error', 'jwks');
  await expect(guard.warm()).rejects.toThrow(new RegExp(`^the keys of ${one.issuer} could not be fetched: [^;]* status 500$`));
  other.misbehave('error', 'jwks');
  const error = (await guard.warm().catch((reason: unknown) => reason)) as KeysUnavailableError;
  expect(error).toBeInstanceOf(KeysUnavailableError);
  expect(error.message).toMatch(new RegExp(`^the keys of ${one.issuer} could .*; the keys of ${other.issuer} could .* status 500$`));
});

describe('an issuer whose metadata names another one', () => {
  test.each([
    ['a slash too many', '/', '', 'Set issuer to "<found>", without the slash at the end'],
    ['a slash too few', '', '/', 'Set issuer to "<found>", with the slash at the end'],
    ['another name', '', '/v2', 'If "<found>" is the issuer of your tokens, set issuer to it'],
  ])('%s: one line says what is configured, what was found, what to do, and what requests get', async (_what, configuredEnd, foundEnd, remedy) => {
    const { seen } = collectOutageWarnings();
    const { issuer: server } = await createScene();
    const [configured, found] = [`${server.issuer}${configuredEnd}`, `${server.issuer}${foundEnd}`];
    server.misbehave({ document: { issuer: found, jwks_uri: server.jwksUri } }, 'metadata');
    const line =
      `the keys of ${configured} could not be fetched: ${server.issuer}/.well-known/openid-configuration: ` +
      `the metadata names the issuer "${found}", but the option issuer is "${configured}"; both must be exactly equal. ` +
      `${remedy.replace('<found>', found)}. Until then, tokens of "${found}" get 401 issuer_mismatch`;
    const guardOf = (): ResourceGuard => {
      const guard = createResourceGuard({ issuer: configured, audience: server.audience });
      onTestFinished(() => guard.close());
      return guard;
    };
    const token = await server.issueToken({ claims: { iss: found } });

    // as the examples call it
    const warmed = guardOf();
    const printed: string[] = [];
    await warmed.warm().catch(({ message }: Error) => printed.push(message));
    expect(verdictOf(await ask(warmed, token))).toBe('issuer_mismatch');
    expect([...printed, ...(await seen())]).toEqual([line]);

    const cold = guardOf();
    expect(verdictOf(await ask(cold, token))).toBe('issuer_mismatch');
    expect(verdictOf(await ask(cold, await server.issueToken({ claims: { iss: configured } })))).toBe('keys_unavailable');
    expect(await seen()).toEqual([`tokenward: ${line} (https://tokenward.github.io/tokenward/reasons/issuer-mismatch/)`]);
  });

  test('names no issuer to set if the metadata names none', async () => {
    const { seen } = collectOutageWarnings();
    const { issuer, verdict } = await createScene();
    issuer.misbehave({ document: { jwks_uri: issuer.jwksUri } }, 'metadata');
    expect(await verdict({})).toBe('keys_unavailable');
    expect(await seen()).toEqual([expect.stringMatching(/names no issuer, .* exactly equal; its tokens get 503 \(.*keys-unavailable\/\)$/)]);
  });
});

test('prints no warning if the event has a listener, and the event includes the error message', async () => {
  const { seen } = collectOutageWarnings();
  const events: Events['tokenward:keys-failed'][] = [];
  const { issuer, verdict } = await createScene();
  // guards of other files may still retry
  onTestFinished(observe('tokenward:keys-failed', (event) => event.issuer === issuer.issuer && events.push(event)));
  issuer.misbehave('error', 'jwks');
  expect(await verdict({})).toBe('keys_unavailable');
  expect(JSON.parse(JSON.stringify(events))).toEqual([
    { issuer: issuer.issuer, source: 'issuer', message: expect.stringMatching(/could not be fetched: .*\/jwks: answered with status 500$/), usable: false },
  ]);
  expect(await seen()).toEqual([]);
});

test('prints no warning if the guard is closed during a fetch', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, guard } = await createScene();
  issuer.misbehave('hang');
  const warming = guard.warm();
  await guard.close();
  await expect(warming).rejects.toThrow('closed');
  expect(await seen()).toEqual([]);
});
