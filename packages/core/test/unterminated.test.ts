import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createIssuerClient, createResourceGuard } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

/** Bodies with an unterminated string, which a server sends with status 200. */
const UNTERMINATED = [
  '<html>Please "log in</html>',
  '{"keys":[{"kty":"RSA","n":"AQ',
  '{"keys":[{"kty":"EC","x\\',
  '"',
  '\\"',
  '"\\u0061',
  '{"a\\n":1,"b',
  `{"keys":[]}${'"'.repeat(99_999)}\\`,
];

test.each(UNTERMINATED)('rule 165: answers 503 if a key server answers %j', async (text) => {
  const { port, texts } = await serve(text);
  const { issuer } = await createScene();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwksUri: `http://127.0.0.1:${port}/keys` });
  onTestFinished(() => guard.close());
  expect(await ask(guard, await issuer.issueToken())).toMatchObject({ status: 503, reason: 'keys_unavailable' });
  expect(texts.asked).toBe(1);
});

test.each(UNTERMINATED)('rule 165: goes on using cached keys while their server answers %j to each refresh', async (text) => {
  const { port, texts } = await serve('');
  const { issuer, clock } = await createScene();
  texts.answer = JSON.stringify(issuer.jwks);
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwksUri: `http://127.0.0.1:${port}/keys`, clock });
  onTestFinished(() => guard.close());
  expect(verdictOf(await ask(guard, await issuer.issueToken()))).toBe('allow');
  texts.answer = text;
  for (let look = 0; look < 3; look++) {
    clock.advance(601);
    expect(verdictOf(await ask(guard, await issuer.issueToken()))).toBe('allow');
    await expect.poll(() => texts.asked).toBeGreaterThan(look + 1);
  }
});

test('rule 165: the guard and the issuer client report metadata with an unterminated string as an error', async () => {
  const { port } = await serve('{"issuer":"http://127.0.0.1');
  const other = await createTestIssuer();
  await other.close();
  const issuer = `http://127.0.0.1:${port}`;
  await expect(createResourceGuard({ issuer, audience: 'a' }).warm()).rejects.toThrow(/the answer is not JSON/);
  const client = createIssuerClient({ issuer, clientId: 'api', clientSecret: 'a-secret-of-some-length' });
  await expect(client.revokeAtIssuer('token')).rejects.toThrow(/the answer is not JSON/);
});

async function serve(text: string): Promise<{ readonly port: number; readonly texts: { answer: string; asked: number } }> {
  const texts = { answer: text, asked: 0 };
  const server = createServer((_request, response) => {
    texts.asked++;
    response.writeHead(200, { 'content-type': 'application/json' }).end(texts.answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, texts };
}
