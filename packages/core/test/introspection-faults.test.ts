import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { createResourceGuard, type ConfigurationError, type IntrospectionOptions, type IssuerOptions } from '@tokenward/core';
import { memoryIntrospections, type IntrospectionCache } from '@tokenward/core/store';
import { createTestClock, createTestIssuer, type Misbehaviour } from '@tokenward/testing';
import { createLocalJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, configurationErrorOf, expectAllowed, verdictOf } from './guarded.js';
import { activeAnswer, AUDIENCE, createAskingGuard, ISSUER, startEndpoint, type AskingGuard } from './introspection.js';

const CREDENTIALS = { clientId: 'api', clientSecret: 'secret' };
const PAIR = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PRIVATE_PEM = PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Lets pending answers of loopback servers arrive. */
async function settled(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5000, interval: 5 });
}

function problemsOf(introspection: unknown, options: object = {}): string {
  return configurationErrorOf(() => createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection, ...options } as never))?.message ?? '';
}

describe('client authentication', () => {
  async function questionWith(introspection: IntrospectionOptions) {
    const { guard, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), {
      clientId: undefined,
      clientSecret: undefined,
      ...introspection,
    });
    expectAllowed(await ask(guard, 'opaque~+/='));
    return endpoint.questions[0]!;
  }

  test('rule 75: posts the token in the body only', async () => {
    const { method, url, headers, form } = await questionWith(CREDENTIALS);
    expect([method, url, headers['content-type']]).toEqual(['POST', '/introspect', 'application/x-www-form-urlencoded']);
    expect(headers.accept).toBe('application/json');
    expect(Object.fromEntries(form)).toEqual({ token: 'opaque~+/=', token_type_hint: 'access_token' });
  });

  test('rule 75: client_secret_basic encodes both halves as a form does', async () => {
    const { headers } = await questionWith({ clientId: 'an api:ü', clientSecret: 'a:secret/+%é' });
    const [id, secret] = Buffer.from(headers.authorization!.slice('Basic '.length), 'base64').toString().split(':');
    expect([id, secret].map((half) => new URLSearchParams(`x=${half!}`).get('x'))).toEqual(['an api:ü', 'a:secret/+%é']);
  });

  test('rule 75: client_secret_post sends both in the body', async () => {
    const { headers, form } = await questionWith({ ...CREDENTIALS, authentication: 'client_secret_post' });
    expect(headers.authorization).toBeUndefined();
    expect([form.get('client_id'), form.get('client_secret')]).toEqual(['api', 'secret']);
  });

  test('rule 75: private_key_jwt signs a new assertion for each question', async () => {
    const { guard, endpoint, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), {
      clientId: 'api',
      clientSecret: undefined,
      privateKey: { key: PRIVATE_PEM, kid: 'key-1' },
    });
    for (const token of ['one', 'two']) expectAllowed(await ask(guard, token));
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(PAIR.publicKey)), kid: 'key-1' }] });
    const payloads = await Promise.all(
      endpoint.questions.map(async ({ form }) => {
        expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
        const options = { issuer: 'api', subject: 'api', audience: ISSUER, currentDate: new Date(clock.now()), requiredClaims: ['exp', 'jti'] };
        return (await jwtVerify(form.get('client_assertion')!, keys, options)).payload;
      }),
    );
    expect(new Set(payloads.map(({ jti }) => jti)).size).toBe(2);
  });

  test('rule 75: tls_client_auth shows a certificate, at the address that the metadata names for that', async () => {
    const pem = (name: string): string => readFileSync(new URL(`self-signed/${name}.pem`, import.meta.url), 'utf8');
    const clock = createTestClock();
    const seen: [string | undefined, string][] = [];
    const server = createTlsServer({ cert: pem('cert'), key: pem('key'), requestCert: true, ca: pem('named-cert') }, (request, response) => {
      void text(request).then((form) => {
        const { authorized } = request.socket as TLSSocket;
        seen.push([authorized ? (request.socket as TLSSocket).getPeerCertificate().fingerprint256 : undefined, form]);
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(activeAnswer(clock, { iss: issuer.issuer })));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = await createTestIssuer({ clock });
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await issuer.close();
    });
    const alias = `https://localhost:${(server.address() as AddressInfo).port}/mtls`;
    const document = { issuer: issuer.issuer, introspection_endpoint: `${issuer.issuer}/introspect`, mtls_endpoint_aliases: { introspection_endpoint: alias } };
    issuer.misbehave({ document }, 'metadata');
    const tls = { cert: pem('named-cert'), key: pem('named-key'), ca: pem('cert') };
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: AUDIENCE, clock, introspection: { clientId: 'api', tls } });
    onTestFinished(() => guard.close());
    expectAllowed(await ask(guard, 'opaque'));
    expect(seen).toEqual([[new X509Certificate(tls.cert).fingerprint256, 'token=opaque&token_type_hint=access_token&client_id=api']]);
    expect(guard.health().introspection).toMatchObject([{ endpoint: alias }]);
    expect(problemsOf({ clientId: 'api', tls }, { fetch: globalThis.fetch })).toMatch(/introspection.tls: cannot be combined with fetch/);
  });

  test('rule 75: a bearer token comes from a file, and is read again when the file changes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokenward-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'token');
    writeFileSync(path, 'first-token\n');
    const { guard, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), {
      clientId: undefined,
      clientSecret: undefined,
      bearerTokenFile: path,
      cacheSeconds: 0,
    });
    await ask(guard, 'opaque');
    writeFileSync(`${path}.new`, 'second-token\n');
    renameSync(`${path}.new`, path);
    await vi.waitFor(
      async () => {
        await ask(guard, 'opaque');
        expect(endpoint.questions.at(-1)!.headers.authorization).toBe('Bearer second-token');
      },
      { timeout: 5000, interval: 50 },
    );
    expect(endpoint.questions[0]!.headers.authorization).toBe('Bearer first-token');
    expect(endpoint.questions[0]!.form.has('client_id')).toBe(false);
  });
});

describe('an endpoint that does not answer as it should', () => {
  test.each<[Misbehaviour, RegExp]>([
    ['hang', /no complete answer within 0.3 s/],
    ['drip', /no complete answer within 0.3 s/],
    ['reset', /ECONNRESET|socket hang up/],
    ['error', /answered with status 500/],
    ['html', /answered with something other than JSON/],
    ['redirect', /answered with status 302: redirects are not followed, so set introspection.endpoint/],
    ['huge', /larger than 65536 bytes/],
    ['bomb', /larger than 65536 bytes/],
    ['half', /not a strict JSON object/],
    ['empty', /not a strict JSON object/],
    [{ document: [{ active: true }] }, /not a strict JSON object/],
  ])('rule 76: %s is 503, and nothing of it is kept', async (how, message) => {
    const issuer = await createTestIssuer();
    const guard = createResourceGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      introspection: { ...issuer.introspectionClient, timeoutSeconds: how === 'hang' || how === 'drip' ? 0.3 : 10 },
    });
    onTestFinished(async () => {
      await guard.close();
      await issuer.close();
    });
    await guard.warm();
    issuer.misbehave(how, 'introspection');
    const token = issuer.issueOpaqueToken();
    const decision = await ask(guard, token);
    expect(decision).toMatchObject({ outcome: 'deny', status: 503, reason: 'introspection_unavailable' });
    expect((decision as { headers: Record<string, string> }).headers['retry-after']).toMatch(/^\d+$/);
    expect(String((decision as { cause?: unknown }).cause)).toMatch(message);
    expect(JSON.stringify(decision)).not.toContain(token);
    issuer.behave();
    expectAllowed(await ask(guard, token));
  });

  test.each([[401], [403], [404], [405], [429], [502], [503]])('rule 76: status %i is 503, and three in a row pause the questions', async (status) => {
    let down = true;
    const { guard, clock, endpoint } = await createAskingGuard((_question, response, clock) => {
      if (!down) return activeAnswer(clock);
      response.writeHead(status).end('{"active":true}');
    });
    for (const token of ['one', 'two', 'three', 'four']) expect(verdictOf(await ask(guard, token))).toBe('introspection_unavailable');
    expect(endpoint.questions).toHaveLength(3);
    expect(guard.health().introspection).toMatchObject([{ usable: false, retryInSeconds: 1 }]);
    expect(guard.health().introspection[0]!.lastError).toContain(`answered with status ${status}`);
    down = false;
    clock.advance(1);
    expectAllowed(await ask(guard, 'five'));
    expectAllowed(await ask(guard, 'six'));
    expect(guard.health().introspection).toMatchObject([{ usable: true, retryInSeconds: undefined, lastError: undefined }]);
  });

  test('rule 76: a token that the server answers 400 or 500 to does not pause the questions about others', async () => {
    const { guard } = await createAskingGuard((question, response, clock) => {
      if (!question.form.get('token')!.startsWith('bad')) return activeAnswer(clock);
      response.writeHead(question.form.get('token') === 'bad1' ? 400 : 500).end();
    });
    for (let round = 0; round < 5; round++) for (const token of ['bad1', 'bad2']) expect(verdictOf(await ask(guard, token))).toBe('introspection_unavailable');
    expectAllowed(await ask(guard, 'good'));
  });

  test('the pause grows, one question goes first, and Retry-After is honoured', async () => {
    let retryAfter: string | undefined;
    const { guard, clock, endpoint } = await createAskingGuard((_question, response) => {
      response.writeHead(503, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
    });
    async function pause(): Promise<number> {
      await Promise.all(['a', 'b', 'c'].map((token) => ask(guard, token)));
      return guard.health().introspection[0]!.retryInSeconds!;
    }
    expect(await pause()).toBe(1);
    for (const expected of [2, 4, 8, 16, 30, 30]) {
      clock.advance(guard.health().introspection[0]!.retryInSeconds!);
      const before = endpoint.questions.length;
      expect(await pause()).toBe(expected);
      expect(endpoint.questions.length - before).toBe(1);
    }
    retryAfter = '3';
    const other = await createAskingGuard((_question, response) => void response.writeHead(429, { 'retry-after': '7' }).end());
    const decision = await ask(other.guard, 'one');
    expect((decision as { headers: Record<string, string> }).headers['retry-after']).toBe('7');
    await ask(other.guard, 'two');
    expect(other.endpoint.questions).toHaveLength(1);
  });

  test('rule 76: when the server is stopped, kept tokens go on within their time, and others get 503', async () => {
    const { guard, clock, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), { cacheSeconds: 30 });
    expectAllowed(await ask(guard, 'known'));
    await endpoint.close();
    clock.advance(29);
    expectAllowed(await ask(guard, 'known'));
    expect(await ask(guard, 'unknown')).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
    clock.advance(1);
    expect(await ask(guard, 'known')).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
  });

  test('an outage is printed once at its start and once at its end', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }): void => void (warning.code === 'TOKENWARD_OUTAGE' && warnings.push(warning.message));
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    let down = true;
    const { guard, clock } = await createAskingGuard((_question, response, clock) =>
      down ? void response.writeHead(502).end('secret-content') : activeAnswer(clock),
    );
    for (const token of ['a', 'b', 'c', 'd']) await ask(guard, token);
    clock.advance(1);
    await ask(guard, 'e');
    down = false;
    clock.advance(2);
    expectAllowed(await ask(guard, 'f'));
    await settled(() => warnings.length === 2);
    expect(warnings[0]).toMatch(/cannot be introspected: .*answered with status 502/);
    expect(warnings[1]).toMatch(/can be introspected again/);
    expect(warnings.join()).not.toContain('secret-content');
  });

  test('without an address, the metadata names the endpoint; while it cannot be fetched, tokens get 503', async () => {
    const issuer = await createTestIssuer();
    onTestFinished(() => issuer.close());
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: issuer.introspectionClient });
    onTestFinished(() => guard.close());
    issuer.misbehave('error', 'metadata');
    expect(guard.health()).toMatchObject({ ready: false, introspection: [{ issuer: issuer.issuer, endpoint: undefined, usable: false }] });
    const token = issuer.issueOpaqueToken();
    expect(verdictOf(await ask(guard, token))).toBe('introspection_unavailable');
    // of the keys, and of the endpoint
    await expect(guard.warm()).rejects.toThrow(/answered with status 500.*; .*answered with status 500/);
    issuer.behave();
    await guard.warm();
    expect(guard.health()).toMatchObject({ ready: true, introspection: [{ endpoint: `${issuer.issuer}/introspect`, usable: true, activeTokens: 0 }] });
    expectAllowed(await ask(guard, token));
    expect(guard.health().introspection).toMatchObject([{ activeTokens: 1, refusedTokens: 0, asking: 0, waiting: 0 }]);
    const wrong = createResourceGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      introspection: { ...issuer.introspectionClient, clientSecret: 'wrong' },
    });
    onTestFinished(() => wrong.close());
    const decision = await ask(wrong, token);
    expect(decision).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
    expect(String((decision as { cause?: unknown }).cause)).toMatch(/status 401: it does not accept this API's credentials/);
  });

  test('rule 61: while the endpoint is down, health() also says why the metadata cannot be read, which may name another one', async () => {
    const clock = createTestClock();
    const issuer = await createTestIssuer({ clock });
    onTestFinished(() => issuer.close());
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, introspection: issuer.introspectionClient });
    onTestFinished(() => guard.close());
    await guard.warm();
    const [token, endpoint] = [issuer.issueOpaqueToken(), `${issuer.issuer}/introspect`];
    issuer.misbehave('reset', 'introspection');
    issuer.misbehave('error', 'metadata');
    for (let at = 0; at < 3; at++) expect(verdictOf(await ask(guard, token))).toBe('introspection_unavailable');
    const health = () => guard.health().introspection[0]!;
    await vi.waitFor(() => expect(health().lastError).toMatch(/\/introspect: .*; .*openid-configuration: answered with status 500/));
    expect(health()).toMatchObject({ endpoint, usable: false });
    issuer.behave();
    clock.advance(1);
    expectAllowed(await ask(guard, token));
    expect(health()).toMatchObject({ endpoint, usable: true, lastError: undefined });
  });

  test('rule 55: an endpoint on another host that only metadata names must be public', async () => {
    const asked: string[] = [];
    const guard = createResourceGuard({
      issuer: ISSUER,
      audience: AUDIENCE,
      introspection: CREDENTIALS,
      async fetch(url) {
        asked.push(url as string);
        return Response.json({ issuer: ISSUER, introspection_endpoint: 'https://169.254.169.254/introspect' });
      },
    });
    onTestFinished(() => guard.close());
    const decision = await ask(guard, 'opaque');
    expect(String((decision as { cause?: unknown }).cause)).toMatch(/names an introspection endpoint on a private address.*introspection.endpoint/);
    expect(asked).toEqual([`${ISSUER}/.well-known/openid-configuration`]);
  });

  test("the guard's own fetch asks too, and follows no redirect", async () => {
    const calls: [string, RequestInit][] = [];
    const { guard, endpoint } = await createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock),
      {},
      {
        async fetch(url, init) {
          calls.push([url as string, init!]);
          return globalThis.fetch(url, init);
        },
      },
    );
    expectAllowed(await ask(guard, 'opaque'));
    expect(calls).toMatchObject([[endpoint.url, { method: 'POST', redirect: 'manual', headers: { accept: 'application/json' } }]]);
  });

  test('a closed guard answers 503 to tokens that are not kept, and ends its questions', async () => {
    const { guard, endpoint } = await createAskingGuard(() => new Promise(() => {}));
    const decision = ask(guard, 'opaque');
    await settled(() => endpoint.questions.length === 1);
    await guard.close();
    expect(verdictOf(await decision)).toBe('introspection_unavailable');
    expect(verdictOf(await ask(guard, 'another'))).toBe('introspection_unavailable');
    expect(endpoint.questions).toHaveLength(1);
  });
});

describe('floods', () => {
  function heldGuard(introspection: IntrospectionOptions): Promise<AskingGuard & { release(): void; readonly most: () => number }> {
    let asking = 0;
    let most = 0;
    const held: (() => void)[] = [];
    let isOpen = false;
    return createAskingGuard(async (question, _response, clock) => {
      most = Math.max(most, ++asking);
      if (!isOpen) await new Promise<void>((resolve) => held.push(resolve));
      asking--;
      return activeAnswer(clock, { active: question.form.get('token')!.startsWith('good') });
    }, introspection).then((made) => ({
      ...made,
      most: () => most,
      release() {
        isOpen = true;
        for (const one of held.splice(0)) one();
      },
    }));
  }

  test('rule 77: no more than maxConcurrent questions at a time, no more than maxQueued wait, and the others get 503 at once', async () => {
    const { guard, endpoint, release, most } = await heldGuard({ maxConcurrent: 4, maxQueued: 4 });
    const decisions = Array.from({ length: 20 }, (_one, at) => ask(guard, `junk-${at}`));
    await settled(() => endpoint.questions.length === 3);
    expect(guard.health().introspection).toMatchObject([{ asking: 3, waiting: 4 }]);
    const early = await Promise.race(decisions.slice(7));
    expect(early).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
    release();
    const verdicts = (await Promise.all(decisions)).map(verdictOf);
    expect(verdicts.filter((verdict) => verdict === 'inactive_token')).toHaveLength(7);
    expect(verdicts.filter((verdict) => verdict === 'introspection_unavailable')).toHaveLength(13);
    expect(most()).toBe(3);
    expect(guard.health().introspection).toMatchObject([{ asking: 0, waiting: 0 }]);
  });

  test('rule 77: tokens that were active a moment ago come before unknown ones', async () => {
    const order: string[] = [];
    let held: (() => void) | undefined;
    const { guard, clock, endpoint } = await createAskingGuard(
      async (question, _response, clock) => {
        const token = question.form.get('token')!;
        order.push(token);
        if (token === 'junk-0') await new Promise<void>((resolve) => (held = resolve));
        return activeAnswer(clock, { active: token === 'good' });
      },
      { maxConcurrent: 1, maxQueued: 3, cacheSeconds: 1 },
    );
    expectAllowed(await ask(guard, 'good'));
    clock.advance(2);
    const junk = Array.from({ length: 4 }, (_one, at) => ask(guard, `junk-${at}`));
    await settled(() => held !== undefined);
    const good = ask(guard, 'good');
    held!();
    expectAllowed(await good);
    await Promise.all(junk);
    expect(order).toEqual(['good', 'junk-0', 'good', 'junk-1', 'junk-2', 'junk-3']);
    expect(endpoint.questions).toHaveLength(6);
  });

  test('rule 70: any number of junk tokens evicts no token that is in use', async () => {
    const { guard, endpoint } = await createAskingGuard(
      (question, _response, clock) => activeAnswer(clock, { active: question.form.get('token') === 'good' }),
      { maxEntries: 5, cacheSeconds: 3600, inactiveCacheSeconds: 300 },
    );
    expectAllowed(await ask(guard, 'good'));
    for (let at = 0; at < 30; at++) expect(verdictOf(await ask(guard, `junk-${at}`))).toBe('inactive_token');
    expectAllowed(await ask(guard, 'good'));
    expect(endpoint.questions.filter(({ form }) => form.get('token') === 'good')).toHaveLength(1);
    expect(guard.health().introspection).toMatchObject([{ activeTokens: 1, refusedTokens: 5 }]);
  });

  test('rule 8: a wait for a turn ends with the time limit', async () => {
    const { guard } = await createAskingGuard(() => new Promise(() => {}), { maxConcurrent: 1, timeoutSeconds: 0.1 });
    const decisions = await Promise.all(['one', 'two'].map((token) => ask(guard, token)));
    for (const decision of decisions) expect(decision).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
  });
});

describe('signed answers (RFC 9701)', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  interface Signing {
    readonly claims?: Readonly<Record<string, unknown>>;
    readonly header?: Readonly<Record<string, unknown>>;
    readonly key?: typeof other.privateKey;
    readonly contentType?: string;
    readonly plain?: boolean;
  }

  async function verdictOn({
    claims = {},
    header = {},
    key = PAIR.privateKey,
    contentType = 'application/token-introspection+jwt; charset=utf-8',
    plain = false,
  }: Signing) {
    const { guard, endpoint } = await createAskingGuard(
      async (_question, response, clock) => {
        if (plain) return activeAnswer(clock);
        const content = { iss: ISSUER, aud: 'api', iat: Math.floor(clock.now() / 1000), token_introspection: activeAnswer(clock), ...claims };
        const signed = await new SignJWT(content).setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'token-introspection+jwt', ...header }).sign(key);
        response.writeHead(200, { 'content-type': contentType }).end(signed);
      },
      { signed: true },
      { jwks: { keys: [{ ...(await exportJWK(PAIR.publicKey)), kid: 'k' }] } as IssuerOptions['jwks'] },
    );
    const decision = await ask(guard, 'opaque');
    expect(endpoint.questions[0]!.headers.accept).toBe('application/token-introspection+jwt');
    return decision;
  }

  test('rule 78: accepts an answer that the issuer signed for this client', async () => {
    expectAllowed(await verdictOn({}));
    expectAllowed(await verdictOn({ claims: { aud: ['api'] } }));
    expectAllowed(await verdictOn({ claims: { aud: AUDIENCE } }));
    expect(verdictOf(await verdictOn({ claims: { token_introspection: { active: false } } }))).toBe('inactive_token');
    expect(verdictOf(await verdictOn({ claims: { token_introspection: { active: 'true' } } }))).toBe('inactive_token');
  });

  const refused: [string, Signing, RegExp][] = [
    ['a plain answer', { plain: true }, /without a signature/],
    ['a signed answer that says to be JSON', { contentType: 'application/json' }, /without a signature/],
    ['another typ', { header: { typ: 'at+jwt' } }, /typ is not/],
    ['no typ', { header: { typ: undefined } }, /typ is not/],
    ['the key of somebody else', { key: other.privateKey }, /signature .* cannot be verified \(bad_signature\)/],
    ['an unknown key', { header: { kid: 'other' } }, /signature .* cannot be verified/],
    ['another iss', { claims: { iss: 'https://other.example.test' } }, /iss|cannot be verified/],
    ['another aud', { claims: { aud: 'another-client' } }, /\(aud\)/],
    ['no aud', { claims: { aud: undefined } }, /\(aud\)/],
    ['an old answer', { claims: { iat: 1_000_000_000 } }, /\(iat\)/],
    ['an answer of the future', { claims: { iat: 9_999_999_999 } }, /\(iat\)/],
    ['no iat', { claims: { iat: undefined } }, /\(iat\)/],
    ['no token_introspection', { claims: { token_introspection: undefined, active: true } }, /no token_introspection/],
    ['a list as token_introspection', { claims: { token_introspection: [{ active: true }] } }, /no token_introspection/],
  ];
  test.each(refused)('rule 78: %s is 503', async (_what, signing, message) => {
    const decision = await verdictOn(signing);
    expect(decision).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
    expect(String((decision as { cause?: unknown }).cause)).toMatch(message);
  });

  test('rule 78: the kept answer of a guard without signed is not used by one with it', async () => {
    const cache = memoryIntrospections(createTestClock());
    const plain = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), { cache });
    expectAllowed(await ask(plain.guard, 'opaque'));
    const jwks = { keys: [{ ...(await exportJWK(PAIR.publicKey)), kid: 'k' } as never] };
    const signed = createResourceGuard({
      issuer: ISSUER,
      audience: AUDIENCE,
      clock: plain.clock,
      jwks,
      introspection: { ...CREDENTIALS, endpoint: plain.endpoint.url, cache, signed: true },
    });
    onTestFinished(() => signed.close());
    expect(verdictOf(await ask(signed, 'opaque'))).toBe('introspection_unavailable');
  });
});

describe('a shared cache', () => {
  async function fleet(cache: IntrospectionCache, more: IntrospectionOptions = {}) {
    const clock = createTestClock();
    let active = true;
    const endpoint = await startEndpoint(() => activeAnswer(clock, { active }));
    const open = (introspection: IntrospectionOptions = {}, options: IssuerOptions = {}) => {
      const guard = createResourceGuard({
        issuer: ISSUER,
        audience: AUDIENCE,
        clock,
        introspection: { ...CREDENTIALS, endpoint: endpoint.url, cache, ...more, ...introspection },
        ...options,
      });
      onTestFinished(() => guard.close());
      return guard;
    };
    return { clock, endpoint, open, deactivate: () => void (active = false) };
  }

  function spied(): { readonly cache: IntrospectionCache; readonly all: Map<string, string> } {
    const all = new Map<string, string>();
    return { all, cache: { get: (name) => all.get(name), set: (name, value) => void all.set(name, value) } };
  }

  test('rule 74: processes share answers about active tokens, never longer than cacheSeconds in all', async () => {
    const { cache, all } = spied();
    const { clock, endpoint, open, deactivate } = await fleet(cache, { cacheSeconds: 10 });
    expectAllowed(await ask(open(), 'opaque'));
    deactivate();
    clock.advance(9);
    const late = open();
    expectAllowed(await ask(late, 'opaque'));
    expect(endpoint.questions).toHaveLength(1);
    // the store would still return it: it does not count
    clock.advance(1);
    expect(all.size).toBe(1);
    expect(verdictOf(await ask(late, 'opaque'))).toBe('inactive_token');
    expect(verdictOf(await ask(open(), 'opaque'))).toBe('inactive_token');
    // strangers cannot fill the store
    expect(all.size).toBe(1);
  });

  test('rule 74: a store sees neither tokens nor claims, and its names are hashes', async () => {
    const { cache, all } = spied();
    const { open } = await fleet(cache);
    expectAllowed(await ask(open(), 'opaque-token'));
    const [[name, value]] = [...all] as [[string, string]];
    expect(name).toMatch(/^[\w-]{43}$/);
    for (const text of [value, Buffer.from(value, 'base64url').toString('latin1')]) expect(text).not.toMatch(/opaque-token|user-1|active|secret/);
  });

  test('rule 74: whoever can write to the store can forge nothing', async () => {
    const { cache, all } = spied();
    const { endpoint, open, deactivate } = await fleet(cache);
    expectAllowed(await ask(open(), 'good'));
    deactivate();
    const [name, value] = [...all][0]!;
    // a tenant with another secret, which knows the token
    const forger = spied();
    const { open: openForger } = await fleet(forger.cache, { endpoint: endpoint.url });
    void openForger;
    const forging = createResourceGuard({
      issuer: ISSUER,
      audience: AUDIENCE,
      introspection: {
        clientId: 'api',
        clientSecret: 'their own secret',
        cache: forger.cache,
        endpoint: (await startEndpoint(() => activeAnswer({ now: Date.now }))).url,
      },
    });
    onTestFinished(() => forging.close());
    expectAllowed(await ask(forging, 'evil'));
    const [, evil] = [...forger.all][0]!;
    const changed = `${value.slice(0, -4)}${value.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    for (const planted of [evil, changed, '', 'x', '{"askedAt":1,"claims":{}}', value.slice(0, 20), 'A'.repeat(200_000), 7 as never, {} as never]) {
      all.set(name, planted);
      expect(verdictOf(await ask(open(), 'good'))).toBe('inactive_token');
    }
    // the entry of one token is nothing for another
    for (const key of all.keys()) all.set(key, value);
    const guard = createResourceGuard({
      issuer: ISSUER,
      audience: AUDIENCE,
      introspection: { ...CREDENTIALS, endpoint: endpoint.url, cache: { get: () => value, set() {} } },
    });
    onTestFinished(() => guard.close());
    expect(verdictOf(await ask(guard, 'evil'))).toBe('inactive_token');
  });

  test('rule 69: another client, endpoint or audience of a fleet does not use the answer', async () => {
    const { cache } = spied();
    const { endpoint, open, deactivate } = await fleet(cache);
    expectAllowed(await ask(open(), 'opaque'));
    deactivate();
    expect(verdictOf(await ask(open({}, { audience: 'https://other.example.test' }), 'opaque'))).toBe('audience_mismatch');
    expect(verdictOf(await ask(open({ clientId: 'other' }), 'opaque'))).toBe('inactive_token');
    expect(verdictOf(await ask(open({ endpoint: `${endpoint.url}?other` }), 'opaque'))).toBe('inactive_token');
    expect(verdictOf(await ask(open({ clientSecret: 'another' }), 'opaque'))).toBe('inactive_token');
  });

  test.each<[string, IntrospectionCache]>([
    [
      'throws',
      {
        get: () => {
          throw new Error('down');
        },
        set: () => {
          throw new Error('down');
        },
      },
    ],
    ['rejects', { get: () => Promise.reject(new Error('down')), set: () => Promise.reject(new Error('down')) }],
    ['never answers', { get: () => new Promise(() => {}), set: () => new Promise(() => {}) }],
  ])('a store that %s is no outage', async (_how, cache) => {
    const { open } = await fleet(cache, { timeoutSeconds: 0.4 });
    expectAllowed(await ask(open(), 'opaque'));
  });

  test('when the server is stopped, a token that another process asked about goes on within its time', async () => {
    const { cache } = spied();
    const { endpoint, open } = await fleet(cache);
    expectAllowed(await ask(open(), 'opaque'));
    await endpoint.close();
    expectAllowed(await ask(open(), 'opaque'));
    expect(verdictOf(await ask(open(), 'another'))).toBe('introspection_unavailable');
  });
});

describe('options', () => {
  test.each<[unknown, RegExp]>([
    [true, /introspection: must be an object/],
    [{}, /introspection.clientId: is missing.*clientSecret: is missing/s],
    [{ clientId: 'api' }, /introspection.clientSecret: is missing, empty or not a string, and authentication client_secret_basic needs it/],
    [{ clientId: 'api', clientSecret: '' }, /clientSecret: is missing/],
    [{ clientId: 'api', clientSecret: 'secret\n' }, /clientSecret: begins or ends with white space/],
    [{ clientId: ' api', clientSecret: 'secret' }, /clientId: begins or ends with white space/],
    [{ ...CREDENTIALS, authentication: 'none' }, /authentication: must be one of client_secret_basic/],
    [{ ...CREDENTIALS, privateKey: { key: PRIVATE_PEM } }, /privateKey: cannot be combined with authentication client_secret_basic/],
    [{ clientId: 'api', privateKey: { key: 'not a key' } }, /privateKey.key: must be a private key/],
    [{ clientId: 'api', authentication: 'tls_client_auth' }, /tls: is missing/],
    [{ ...CREDENTIALS, bearerTokenFile: '/does/not/exist' }, /clientSecret: cannot be combined with bearerTokenFile.*bearerTokenFile: .*no such file/s],
    [{ ...CREDENTIALS, endpoint: 'http://login.example.com/introspect' }, /endpoint: must use https/],
    [{ ...CREDENTIALS, endpoint: 'ftp://x' }, /endpoint: /],
    [{ ...CREDENTIALS, cacheSeconds: -1 }, /cacheSeconds: must be a number from 0 to 3600/],
    [{ ...CREDENTIALS, maxConcurrent: 0 }, /maxConcurrent: must be a whole number/],
    [{ ...CREDENTIALS, accepts: '' }, /accepts: must be a function, or a prefix/],
    [{ ...CREDENTIALS, accepts: /x/ }, /accepts: must be a function, or a prefix/],
    [{ ...CREDENTIALS, cache: {} }, /cache: must be a cache with the functions get and set/],
    [{ ...CREDENTIALS, cacheSecret: 'short' }, /cacheSecret: must be a string of at least 32 characters$/m],
    [{ ...CREDENTIALS, cacheSeconds: 0, unsafeAcceptAnswersWithoutExpiry: true }, /unsafeAcceptAnswersWithoutExpiry: needs cacheSeconds/],
    [
      { ...CREDENTIALS, clientSecrets: 'x' },
      /introspection.clientSecrets: is not an option; did you mean clientSecret|introspection.clientSecrets: is not an option/,
    ],
  ])('%# reports what is wrong, and no secret', (introspection, message) => {
    const problems = problemsOf(introspection);
    expect(problems).toMatch(message);
    expect(problems).not.toContain('not a key');
    expect(problems).not.toContain('secret\n"');
  });

  test('introspect needs introspection', () => {
    expect(problemsOf(undefined, { introspect: 'always' })).toMatch(/introspect: needs introspection/);
    expect(problemsOf(CREDENTIALS, { introspect: 'sometimes' })).toMatch(/introspect: must be 'opaque' or 'always'/);
  });

  test('several issuers with introspection must each say which tokens are theirs', () => {
    const issuers = ['one', 'two', 'three'].map((name) => ({ issuer: `https://${name}.example.test`, audience: AUDIENCE, introspection: CREDENTIALS }));
    const several = configurationErrorOf(() =>
      createResourceGuard({ issuers: [issuers[0]!, { ...issuers[1]!, introspection: { ...CREDENTIALS, accepts: 'two_' } }] }),
    );
    expect(several?.problems.map(({ path }) => path)).toEqual(['issuers[0].introspection.accepts']);
    expect(
      configurationErrorOf(
        () => void createResourceGuard({ issuers: [issuers[0]!, { issuer: 'https://jwt.example.test', audience: AUDIENCE }] }).close() as never,
      ),
    ).toBeUndefined();
  });

  test('credentials are set for one issuer: neither for all, nor for a template, nor by a function', async () => {
    const all: ConfigurationError | undefined = configurationErrorOf(() =>
      createResourceGuard({ audience: AUDIENCE, introspection: CREDENTIALS, issuers: [{ issuer: ISSUER }] }),
    );
    expect(all?.message).toMatch(/introspection: cannot be combined with issuers/);
    expect(problemsOf(CREDENTIALS, { issuer: 'https://login.example.test/{tenant}', tenants: ['a'] })).toMatch(
      /introspection: cannot be combined with \{tenant\}/,
    );
    const issuer = await createTestIssuer();
    onTestFinished(() => issuer.close());
    const guard = createResourceGuard({ audience: issuer.audience, issuers: () => ({ issuer: issuer.issuer, introspection: CREDENTIALS }) });
    onTestFinished(() => guard.close());
    const decision = await ask(guard, await issuer.issueToken());
    expect(verdictOf(decision)).toBe('issuer_unavailable');
    expect(String((decision as { cause?: unknown }).cause)).toMatch(/introspection: cannot be returned by an issuers function/);
  });
});
