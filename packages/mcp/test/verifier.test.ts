import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requireBearerAuth as requireBearerAuthV2 } from '@modelcontextprotocol/express';
import * as errorsV1 from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { OAuthTokenVerifier } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import { OAuthError } from '@modelcontextprotocol/server';
import express, { type RequestHandler } from 'express';
import { createResourceGuard, role, scope, type GuardOptions } from '@tokenward/core';
import { createGuard } from '@tokenward/express';
import { createGuard as createFetchGuard } from '@tokenward/fetch';
import { createGuard as createHonoGuard } from '@tokenward/hono';
import { createTestIssuer, parseChallenge, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { getMcpAuth, mcpVerifier, type McpVerifierOptions, type VerifyingGuard } from '@tokenward/mcp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';
const METADATA = 'https://orders.example.com/.well-known/oauth-protected-resource/mcp';

/** The two versions declare `req.auth` with types that contradict each other, so only one of them can be imported with its types. */
const { requireBearerAuth: requireBearerAuthV1 } = (await import(['@modelcontextprotocol/sdk/server/auth/middleware', 'bearerAuth.js'].join('/'))) as {
  requireBearerAuth(options: { verifier: OAuthTokenVerifier; resourceMetadataUrl: string; expectedResource: URL }): RequestHandler;
};

const versions: Readonly<Record<string, (guard: VerifyingGuard, options?: McpVerifierOptions) => RequestHandler>> = {
  'version 2': (guard, options) =>
    requireBearerAuthV2({ verifier: mcpVerifier(guard, { OAuthError }, options), resourceMetadataUrl: METADATA, expectedResource: new URL(RESOURCE) }),
  'version 1': (guard, options) =>
    requireBearerAuthV1({ verifier: mcpVerifier(guard, errorsV1, options), resourceMetadataUrl: METADATA, expectedResource: new URL(RESOURCE) }),
};

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

const guards: Readonly<Record<string, (options: GuardOptions) => VerifyingGuard & { close(): Promise<void> }>> = {
  core: createResourceGuard,
  Express: createGuard,
  Hono: createHonoGuard,
  Fetch: createFetchGuard,
};

describe.each(Object.entries(versions))('the bearer middleware of %s', (_version, middleware) => {
  async function ask(wanted: TokenOptions | string, options?: McpVerifierOptions, from: TestIssuer = issuer, createFrom = guards['core']!): Promise<Response> {
    const guard = createFrom({ issuer: from.issuer, audience: RESOURCE });
    const app = express();
    app.get('/mcp', middleware(guard, options), (req, res) => {
      const info = (req as { readonly auth?: object }).auth!;
      res.json({ info, subject: getMcpAuth({ authInfo: info }).subject });
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.close();
      await guard.close();
    });
    const token = typeof wanted === 'string' ? wanted : await from.issueToken(wanted);
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, { headers: { authorization: `Bearer ${token}` } });
  }

  test.each(Object.entries(guards))('admits what a guard of %s admits, without the token in what it writes', async (_name, create) => {
    const response = await ask({ subject: 'user-7', scopes: ['orders:read'] }, undefined, issuer, create);
    expect(response.status).toBe(200);
    const { info, subject } = (await response.json()) as { info: Record<string, unknown>; subject: string };
    expect(subject).toBe('user-7');
    expect(info).toMatchObject({ clientId: 'client-1', scopes: ['orders:read'], resource: RESOURCE, extra: { issuer: issuer.issuer, subject: 'user-7' } });
    expect(info['expiresAt']).toBeGreaterThan(Date.now() / 1000);
    expect(info).not.toHaveProperty('token');
  });

  async function challengeOf(response: Response): Promise<unknown> {
    const body: unknown = await response.json();
    const line = response.headers.get('www-authenticate');
    const { error, resource_metadata: metadata } = line === null ? {} : parseChallenge(line).parameters;
    return { status: response.status, body, error, metadata };
  }

  const INVALID = {
    status: 401,
    body: { error: 'invalid_token', error_description: 'The access token is not valid here' },
    error: 'invalid_token',
    metadata: METADATA,
  };

  test('rule 234: a token for another API, an expired one and nonsense are 401', async () => {
    expect(await challengeOf(await ask({ audience: 'https://other.example.com' }))).toEqual(INVALID);
    expect(await challengeOf(await ask({ lifetimeSeconds: -60 }))).toEqual(INVALID);
    expect(await challengeOf(await ask('nonsense'))).toEqual(INVALID);
  });

  test.each(Object.entries(guards))('rule 234: a token that is bound to a key or a certificate is 401, by a guard of %s', async (_name, create) => {
    for (const cnf of [{ jkt: 'x'.repeat(43) }, { 'x5t#S256': 'x'.repeat(43) }]) {
      expect(await challengeOf(await ask({ claims: { cnf } }, undefined, issuer, create))).toEqual(INVALID);
    }
  });

  test('rule 234: an outage is a 500, neither a 400 nor a 401', async () => {
    const other = await createTestIssuer({ audience: RESOURCE });
    onTestFinished(() => other.close());
    other.misbehave('error');
    const { status, error } = (await challengeOf(await ask({}, undefined, other))) as { status: number; error: unknown };
    expect({ status, error }).toEqual({ status: 500, error: undefined });
  });

  test('rule 234: a token without the scope of the policy is 403, one with a login that is too old 401', async () => {
    expect(await challengeOf(await ask({ scopes: ['a'] }, { policy: scope('b') }))).toMatchObject({
      status: 403,
      error: 'insufficient_scope',
      metadata: METADATA,
    });
    expect(await challengeOf(await ask({}, { policy: role('admin') }))).toMatchObject({ status: 403, error: 'insufficient_scope' });
    expect((await ask({ scopes: ['b'] }, { policy: scope('b') })).status).toBe(200);
  });

  test('of several URLs in the audience, the option names the server', async () => {
    const audience = [RESOURCE, 'https://login.example.com/userinfo'];
    expect(await challengeOf(await ask({ audience }))).toMatchObject({ status: 401 });
    expect((await ask({ audience }, { resource: RESOURCE })).status).toBe(200);
    expect(await challengeOf(await ask({}, { resource: 'https://other.example.com' }))).toMatchObject({ status: 401 });
  });
});

test('what is not a token is refused, whoever calls', async () => {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: RESOURCE });
  onTestFinished(() => guard.close());
  const verifier = mcpVerifier(guard, { OAuthError });
  const good = await issuer.issueToken();
  for (const token of [undefined, null, 1, {}, [good], '', ' ', `${good} `, ` ${good}`, `${good}, Bearer ${good}`, `${good}\n`, 'x'.repeat(100_000)]) {
    await expect(verifier.verifyAccessToken(token as string)).rejects.toThrow(OAuthError);
  }
});

test('misuse throws at the start', () => {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: RESOURCE });
  onTestFinished(() => guard.close());
  expect(() => mcpVerifier(guard, {} as never)).toThrow(/needs the SDK's classes of errors/);
  expect(() => mcpVerifier(guard, { OAuthError: errorsV1.OAuthError, InvalidTokenError: errorsV1.InvalidTokenError })).toThrow(/needs the SDK's classes/);
  expect(() => mcpVerifier(undefined as never, { OAuthError })).toThrow(/needs a guard/);
  expect(() => mcpVerifier(guard, { OAuthError }, { policy: 'orders:write' as never })).toThrow(/is not a policy/);
  expect(() => mcpVerifier(guard, { OAuthError }, { policies: [] } as never)).toThrow(/no option/);
});
