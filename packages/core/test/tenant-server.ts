import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { asSigningKey, base64url, compactJws, generatePrivateKey, signBytes, type SigningKey, type TestClock } from '@tokenward/testing';
import { onTestFinished } from 'vitest';

/** One authorization server with many tenants, each an issuer of its own: real HTTP on loopback, and trouble for single tenants. */
export interface TenantServer {
  /** The issuer of every tenant, with `{tenant}` in it. */
  readonly template: string;
  readonly jwksTemplate: string;
  issuerOf(tenant: string): string;
  keyOf(tenant: string): SigningKey;
  /** How often a tenant's metadata and keys were asked for. */
  requestsOf(tenant: string): number;
  /** A tenant that answers late, or (`Infinity`) not at all. */
  slow(tenant: string, seconds: number): void;
  /** Keys that this tenant publishes instead of its own. */
  publish(tenant: string, keys: readonly SigningKey[]): void;
  /** A token of a tenant; claims and header may be replaced, and the key. */
  token(tenant: string, claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>, key?: SigningKey): string;
}

export const AUDIENCE = 'https://api.example.test';

/** A test that runs beside others (`test.concurrent`) passes the `onTestFinished` of its own context. */
export async function createTenantServer(tenants: readonly string[], clock: Pick<TestClock, 'now'> = Date, atEnd = onTestFinished): Promise<TenantServer> {
  const keys = new Map<string, SigningKey>();
  for (const tenant of tenants) keys.set(tenant, asSigningKey('ES256', await generatePrivateKey('ES256')));
  const published = new Map<string, readonly SigningKey[]>();
  const delays = new Map<string, number>();
  const requests = new Map<string, number>();

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuerOf = (tenant: string) => `${origin}/${tenant}/v2.0`;
  const keyOf = (tenant: string) => keys.get(tenant)!;

  async function answer({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const tenant = url.split('/')[1]!;
    requests.set(tenant, (requests.get(tenant) ?? 0) + 1);
    const delay = delays.get(tenant) ?? 0;
    if (delay === Infinity) return;
    if (delay > 0) await wait(delay * 1000, undefined, { ref: false });
    if (!keys.has(tenant) && !published.has(tenant)) return void response.writeHead(404).end('{}');
    const document = url.endsWith('/keys')
      ? { keys: (published.get(tenant) ?? [keyOf(tenant)]).map(({ publicJwk }) => publicJwk) }
      : { issuer: issuerOf(tenant), jwks_uri: `${origin}/${tenant}/keys` };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  }

  return {
    template: issuerOf('{tenant}'),
    jwksTemplate: `${origin}/{tenant}/keys`,
    issuerOf,
    keyOf,
    requestsOf: (tenant) => requests.get(tenant) ?? 0,
    slow: (tenant, seconds) => void delays.set(tenant, seconds),
    publish: (tenant, own) => void published.set(tenant, own),
    token(tenant, claims = {}, header = {}, key = keyOf(tenant)) {
      const now = Math.floor(clock.now() / 1000);
      const payload = { iss: issuerOf(tenant), tid: tenant, aud: AUDIENCE, sub: 'user-1', jti: crypto.randomUUID(), iat: now, exp: now + 300, ...claims };
      return compactJws(
        base64url(JSON.stringify({ alg: key.algorithm, typ: 'at+jwt', kid: key.kid, ...header })),
        base64url(JSON.stringify(payload)),
        (bytes) => signBytes(key.algorithm, key.privateKey, bytes),
      );
    },
  };
}
