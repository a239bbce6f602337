import { expect, test } from 'vitest';
import { createTestClock } from '@tokenward/testing';
import { createOutageWarnings } from '../events/outage-warnings.js';
import { createRemoteKeySource } from './remote-keys.js';
import type { Transport } from '../net/transport.js';

const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'k' };

/** The host of each fetch, and whether it must have a public address. */
async function fetchesOf(issuer: string, jwksUri: string, given: { jwksUri?: string; jwksHosts?: string[] } = {}): Promise<[string, boolean][]> {
  const fetches: [string, boolean][] = [];
  const transport: Transport = async (url, _signal, publicOnly) => {
    fetches.push([new URL(url).hostname, publicOnly]);
    const document = url.includes('/.well-known/') ? { issuer, jwks_uri: jwksUri } : { keys: [KEY] };
    return { status: 200, header: () => null, body: bytesOf(JSON.stringify(document)), discard() {} };
  };
  const source = createRemoteKeySource({
    issuer,
    jwksUri: given.jwksUri,
    jwksHosts: given.jwksHosts && new Set(given.jwksHosts),
    transport,
    algorithms: ['EdDSA'],
    clock: createTestClock(),
    outages: createOutageWarnings('tokenward:keys-failed'),
    metadataOutages: createOutageWarnings(),
    probes: undefined,
    unsafeHttpHosts: new Set(),
    timeoutSeconds: 1,
    maxBytes: 10_000,
    maxKeys: 10,
    freshSeconds: 600,
    staleSeconds: 3600,
    unknownKeyCooldownSeconds: 30,
  });
  await source.warm();
  return fetches;
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const ISSUER = 'https://login.example.test';

test("rule 55: keys on the issuer's own host need no public address", async () => {
  expect(await fetchesOf(ISSUER, `${ISSUER}:8443/jwks`)).toEqual([['login.example.test', false], ['login.example.test', false]]); // prettier-ignore
});

test('rule 55: keys on a host that only the metadata names need a public address', async () => {
  expect(await fetchesOf(ISSUER, 'https://keys.example.test/jwks')).toEqual([['login.example.test', false], ['keys.example.test', true]]); // prettier-ignore
});

test('rule 55: a host from the options needs no public address', async () => {
  expect(await fetchesOf(ISSUER, 'https://keys.example.test/jwks', { jwksHosts: ['keys.example.test'] })).toEqual([['login.example.test', false], ['keys.example.test', false]]); // prettier-ignore
  expect(await fetchesOf(ISSUER, '', { jwksUri: 'https://keys.internal.test/jwks' })).toEqual([['keys.internal.test', false]]);
});

test('rule 55: an issuer on loopback may have its keys on loopback', async () => {
  expect(await fetchesOf('http://127.0.0.1:9', 'http://localhost:9/jwks')).toEqual([['127.0.0.1', false], ['localhost', false]]); // prettier-ignore
});
