import express5, { type Express } from 'express';
import express4 from 'express4';
import request from 'supertest';
import { afterAll, describe, expect, test } from 'vitest';
import { createGuard, getAuth, scope } from '@tokenward/express';
import { actAs, createTestIssuer, expectBadRequest, expectForbidden, expectUnauthorized } from '@tokenward/testing';

const AUDIENCE = 'https://api.example.com';
const issuer = await createTestIssuer({ audience: AUDIENCE });
afterAll(() => issuer.close());

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('supertest with %s', (_name, express) => {
  const guard = createGuard({ issuer: issuer.issuer, audience: AUDIENCE });
  const as = actAs(guard);
  const app: Express = express();
  app.get('/orders', guard(scope('orders:read')), (req, res) => void res.json({ for: getAuth(req).subject }));
  afterAll(() => guard.close());

  test('acts as somebody, and sends a real token', async () => {
    await request(app)
      .get('/orders')
      .set(as({ subject: 'ada', scopes: ['orders:read'] }))
      .expect(200, { for: 'ada' });
    const token = await issuer.issueToken({ subject: 'grace', scopes: ['orders:read'] });
    await request(app).get('/orders').set('authorization', `Bearer ${token}`).expect(200, { for: 'grace' });
  });

  test('one header for all requests of an agent', async () => {
    const ada = request.agent(app).set(as({ subject: 'ada', scopes: ['orders:read'] }));
    for (let at = 0; at < 2; at++) await ada.get('/orders').expect(200, { for: 'ada' });
  });

  test('the assertions take its requests and its answers', async () => {
    await expectUnauthorized(request(app).get('/orders'), { scopes: ['orders:read'] });
    await expectForbidden(await request(app).get('/orders').set(as()), { scopes: ['orders:read'] });
    await expectBadRequest(request(app).get('/orders').set('authorization', 'Bearer'));
    await expect(expectForbidden(request(app).get('/orders'))).rejects.toThrow('401');
  });
});
