import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { createGuard, scope } from '@tokenward/hono';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';

const COOKIES = ['__Host-session=1; Path=/; Secure', '__Host-session.1=2; Path=/; Secure'];

test.each([
  ['an HTTPException', new HTTPException(409, { message: 'refused' }), 409],
  ['an HTTPException with a response', new HTTPException(409, { res: new Response('refused', { status: 409, headers: { 'set-cookie': 'own=1' } }) }), 409],
  ['a response', new Response('refused', { status: 409, headers: { 'set-cookie': 'own=1' } }), 409],
  ['an error', new Error('out of order'), 500],
])('the answer to what onDenied throws has the cookies of the session and those of the app: %s', async (_what, thrown, status) => {
  const issuer = await createTestIssuer();
  const session = { [SESSION_CREDENTIALS]: async () => ({ token: await issuer.issueToken(), headers: { 'set-cookie': COOKIES } }) };
  const guard = createGuard({
    issuer: issuer.issuer,
    audience: issuer.audience,
    session,
    onDenied() {
      throw thrown;
    },
  });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  const app = new Hono();
  app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('broken', 500)));
  app.use(async (c, next) => {
    c.header('set-cookie', 'app=1', { append: true });
    await next();
  });
  app.get('/x', guard(scope('never')), (c) => c.text('secret'));
  const response = await app.request('/x', { headers: { cookie: 'a=1' } });
  expect(response.status).toBe(status);
  const own = thrown instanceof Response ? ['own=1'] : [];
  expect(response.headers.getSetCookie()).toEqual(expect.arrayContaining(['app=1', ...own, ...COOKIES]));
  expect(new Set(response.headers.getSetCookie()).size).toBe(response.headers.getSetCookie().length);
  expect(response.headers.get('cache-control')).toBe('no-store');
});
