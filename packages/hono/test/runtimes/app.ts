import { Hono } from 'hono';
import { createGuard, getAuth, role, scope } from '@tokenward/hono';

// reads ISSUER_BASE_URL and AUDIENCE
const guard = createGuard({ clientCertificate: { header: 'client-cert', trustedProxies: ['127.0.0.1', '::ffff:127.0.0.1'] } });

/** The app that each runtime serves with its own server. */
export const app = new Hono()
  .use(guard.metadata())
  .get('/public', (c) => c.json({ public: true }))
  .get('/optional', guard.optional(), (c) => c.json({ subject: getAuth(c, 'optional')?.subject ?? null }))
  .get('/me', guard(), (c) => c.json({ subject: getAuth(c).subject }))
  .get('/orders', guard(scope('orders:read')), (c) => c.json([]))
  .post('/orders', guard(scope('orders:write')), async (c) => c.json(await c.req.json(), 201))
  .delete('/orders/:id', guard(role('admin')), (c) => c.body(null, 204));
