import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { acr, allOf, createResourceGuard, maxAge, scope } from '@tokenward/core';
import { parseChallenges } from '@tokenward/testing';
import { interactionPolicy, type Configuration } from 'oidc-provider';
import { expect, onTestFinished, test } from 'vitest';
import { createBrowser } from './browser.js';
import { API, startProvider, type RunningProvider } from './provider.js';

const APP = 'https://app.example.com';
const STRONG = 'urn:example:strong';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Has oidc-provider log in again for another acr, and write acr and auth_time into access tokens (RFC 9470 s6.1). */
function stepUpConfiguration(): Configuration {
  const { base, Check } = interactionPolicy;
  const policy = base();
  const check = new Check('acr_values', 'a stronger login is needed', ({ oidc }) => {
    const wanted = ((oidc.params?.['acr_values'] as string | undefined) ?? '').split(' ').filter(Boolean);
    const isEnough = wanted.length === 0 || wanted.includes(oidc.session?.acr ?? '') || oidc.result?.login !== undefined;
    return isEnough ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
  });
  policy.get('login')!.checks.add(check);
  return {
    interactions: { policy, url: (_context, { uid }) => `/interaction/${uid}` },
    extraTokenClaims({ oidc }) {
      const code = oidc.entities.AuthorizationCode;
      return { auth_time: code?.authTime, ...(code?.acr !== undefined && { acr: code.acr }) };
    },
  };
}

/** An API on a plain server, which knows its authorization server only. */
async function startApi({ issuer }: RunningProvider): Promise<string> {
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    const found = metadata.answer({ method, target: url, headers });
    if (found) return void response.writeHead(found.status, found.headers).end(found.body);
    void Promise.resolve(guard.check({ method, target: url, headers }, { policy: payout })).then((decision) =>
      response.writeHead(decision.outcome === 'allow' ? 200 : decision.status, decision.headers).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const payout = allOf(scope('orders:read', 'orders:write'), acr(STRONG), maxAge(300));
  const guard = createResourceGuard({ issuer, audience: API, publicOrigin: origin, algorithms: ['ES256'] });
  const metadata = guard.metadata([payout]);
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await guard.close();
  });
  return origin;
}

/** A client that knows the API alone, and logs in with what the challenges say. */
function createClient({ clientId, clientSecret }: RunningProvider) {
  const browser = createBrowser();
  let token: string | undefined;

  async function call(url: string): Promise<Response> {
    return fetch(url, { method: 'PUT', ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) });
  }

  async function metadataOf(address: string): Promise<{ resource: string; server: { authorization_endpoint: string; token_endpoint: string } }> {
    const { resource, authorization_servers: servers } = (await (await fetch(address)).json()) as { resource: string; authorization_servers: string[] };
    const server = await fetch(`${servers[0]}/.well-known/openid-configuration`);
    return { resource, server: (await server.json()) as Awaited<ReturnType<typeof metadataOf>>['server'] };
  }

  /** Asks for a token for what a challenge demands. The browser keeps its session at the authorization server. */
  async function authorize(parameters: Readonly<Record<string, string>>, fallbackScope: string): Promise<void> {
    const { resource, server } = await metadataOf(parameters['resource_metadata']!);
    const verifier = randomBytes(32).toString('base64url');
    const asked = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: `${APP}/session/callback`,
      scope: `openid ${parameters['scope'] ?? fallbackScope}`,
      resource,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(parameters['acr_values'] !== undefined && { acr_values: parameters['acr_values'] }),
      ...(parameters['max_age'] !== undefined && { max_age: parameters['max_age'] }),
    };
    const callback = await browser.logInAt(`${server.authorization_endpoint}?${new URLSearchParams(asked)}`, APP);
    const answer = await fetch(server.token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: callback.searchParams.get('code') ?? '',
        redirect_uri: asked.redirect_uri,
        code_verifier: verifier,
        resource,
      }),
    });
    token = ((await answer.json()) as { access_token?: string }).access_token;
    expect(token).toBeDefined();
  }

  return { call, authorize };
}

test('rule 103: a client finds the authorization server by the challenge, adds the scopes it lacks, and logs in again as strongly and recently as demanded', async () => {
  let loginAgeSeconds = 400;
  const provider = await startProvider({ appOrigin: APP, loginAgeSeconds: () => loginAgeSeconds, configuration: stepUpConfiguration() });
  onTestFinished(() => provider.close());
  const logins = (): number => provider.requests.filter((line) => line.startsWith('POST /interaction/')).length;
  const origin = await startApi(provider);
  const client = createClient(provider);

  const unauthenticated = await client.call(`${origin}/payout`);
  expect(unauthenticated.status).toBe(401);
  const first = parseChallenges(unauthenticated.headers.get('www-authenticate')!)[0].parameters;
  expect(first).toEqual({ realm: 'api', scope: 'orders:read orders:write', resource_metadata: `${origin}${WELL_KNOWN}` });
  // a client may ask for less at first
  await client.authorize({ ...first, scope: 'orders:read' }, '');
  expect(logins()).toBe(1);

  const forbidden = await client.call(`${origin}/payout`);
  expect(forbidden.status).toBe(403);
  const missing = parseChallenges(forbidden.headers.get('www-authenticate')!)[0].parameters;
  expect(missing).toMatchObject({ error: 'insufficient_scope', scope: 'orders:read orders:write', resource_metadata: `${origin}${WELL_KNOWN}` });
  await client.authorize(missing, '');
  expect(logins()).toBe(1);

  const weak = await client.call(`${origin}/payout`);
  expect(weak.status).toBe(401);
  const stepUp = parseChallenges(weak.headers.get('www-authenticate')!)[0].parameters;
  expect(stepUp).toMatchObject({
    error: 'insufficient_user_authentication',
    acr_values: STRONG,
    max_age: '300',
    resource_metadata: `${origin}${WELL_KNOWN}`,
  });

  // strong, but of 400 s ago still
  await client.authorize({ resource_metadata: stepUp['resource_metadata']!, acr_values: STRONG }, 'orders:read orders:write');
  expect(logins()).toBe(2);
  expect((await client.call(`${origin}/payout`)).status).toBe(401);

  loginAgeSeconds = 0;
  await client.authorize(stepUp, 'orders:read orders:write');
  expect(logins()).toBe(3);
  expect((await client.call(`${origin}/payout`)).status).toBe(200);
});
