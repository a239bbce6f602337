import Fastify, { type FastifyInstance } from 'fastify';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { tokenward } from '@tokenward/fastify';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';

const COOKIES = ['__Host-session=1; Path=/; Secure', '__Host-session.1=2; Path=/; Secure'];

async function startApp(): Promise<FastifyInstance> {
  const issuer = await createTestIssuer();
  const session = { [SESSION_CREDENTIALS]: async () => ({ token: await issuer.issueToken(), headers: { 'set-cookie': COOKIES } }) };
  const app = Fastify();
  onTestFinished(async () => {
    await app.close();
    await issuer.close();
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.includes('early')) reply.raw.setHeader('set-cookie', 'early=1');
  });
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, session, protect: 'all' });
  return app;
}

async function cookiesOf(origin: string, path: string): Promise<string[]> {
  const answer = await fetch(origin + path, { headers: { cookie: '__Host-session=0' } });
  expect(answer.status).toBe(200);
  await answer.text();
  return answer.headers.getSetCookie();
}

test('the cookies of a session stay, whether a handler answers by the reply or writes on Node’s response', async () => {
  const app = await startApp();
  app.get('/reply', async (_request, reply) => reply.header('set-cookie', 'app=1').send('x'));
  app.get('/early', async () => 'x');
  app.get('/hijacked', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: x\n\n');
  });
  app.get('/early-hijacked', (_request, reply) => {
    reply.hijack();
    reply.raw.appendHeader('set-cookie', 'app=1').writeHead(200).end('x');
  });
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  expect(await cookiesOf(origin, '/reply')).toEqual([...COOKIES, 'app=1']);
  expect(await cookiesOf(origin, '/early')).toEqual(['early=1', ...COOKIES]);
  expect(await cookiesOf(origin, '/hijacked')).toEqual(COOKIES);
  expect(await cookiesOf(origin, '/early-hijacked')).toEqual(['early=1', ...COOKIES, 'app=1']);
});

test('rule 224: a refusal keeps nothing by which earlier hooks let shared caches keep the answer', async () => {
  const app = Fastify();
  onTestFinished(() => app.close());
  app.addHook('onRequest', async (_request, reply) => void reply.headers({ 'cdn-cache-control': 'max-age=60', 'cache-control': 'public', 'x-mine': '1' }));
  await app.register(tokenward, { issuer: 'https://login.invalid', audience: 'https://api.example.com', protect: 'all' });
  app.get('/x', async () => 'x');
  const { headers } = await app.inject('/x');
  expect([headers['cdn-cache-control'], headers['cache-control'], headers['x-mine']]).toEqual([undefined, 'no-store', '1']);
});
