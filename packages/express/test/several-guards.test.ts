import express5, { type Express, type Request, type Response } from 'express';
import express4 from 'express4';
import { createGuard, getAuth, scope, type Auth, type ExpressGuard } from '@tokenward/express';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-express.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const PARTNER = 'https://partner.example.test';
const claims = { roles: ['reader'], partner: { roles: ['auditor'] } };
const tokens = {
  api: await issuer.issueToken({ claims, scope: 'a' }),
  partner: await issuer.issueToken({ claims, audience: PARTNER }),
  both: await issuer.issueToken({ claims, audience: [PARTNER, issuer.audience] }),
};
const bearing = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

function twoGuards(): { api: ExpressGuard; partner: ExpressGuard } {
  return {
    api: createGuard({ issuer: issuer.issuer, audience: issuer.audience }),
    partner: createGuard({ issuer: issuer.issuer, audience: PARTNER, property: 'partner', rolesClaim: ['partner', 'roles'] }),
  };
}

async function start(app: Express, guard: ExpressGuard): Promise<string> {
  const running = await listen(app, guard);
  onTestFinished(() => running.close());
  return running.origin;
}

/** By whom each of the three ways to ask finds the request to be from. */
function tell(request: Request, response: Response): void {
  const { auth, partner } = request as Request & { readonly partner?: Auth };
  response.json({ auth: auth?.roles ?? null, partner: partner?.roles ?? null, getAuth: getAuth(request).roles });
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, express) => {
  test("two guards in one app keep to their own audiences, and don't see each other's answers", async () => {
    const { api, partner } = twoGuards();
    const app = express();
    const handler = vi.fn(tell);
    app.get('/api', api(), handler);
    app.get('/partner', partner(), handler);
    const origin = await start(app, api);
    for (const [path, token] of [['api', 'partner'], ['partner', 'api']] as const) await expectUnauthorized(await fetch(`${origin}/${path}`, bearing(tokens[token])), { error: 'invalid_token' }); // prettier-ignore
    expect(handler).not.toHaveBeenCalled();
    for (const token of [tokens.api, tokens.both]) {
      expect(await (await fetch(`${origin}/api`, bearing(token))).json()).toEqual({ auth: ['reader'], partner: null, getAuth: ['reader'] });
    }
    for (const token of [tokens.partner, tokens.both]) {
      expect(await (await fetch(`${origin}/partner`, bearing(token))).json()).toEqual({ auth: null, partner: ['auditor'], getAuth: ['auditor'] });
    }
  });

  test('where two guards stand on the way both must admit, each has its own property, and getAuth says what the last one found', async () => {
    const { api, partner } = twoGuards();
    const app = express();
    const handler = vi.fn(tell);
    app.use('/api', api());
    app.get('/api/partner', partner(), handler);
    app.get('/partner/api', partner.optional(), api(), handler);
    const origin = await start(app, api);
    for (const path of ['/api/partner', '/partner/api']) {
      for (const token of [tokens.api, tokens.partner]) await expectUnauthorized(await fetch(`${origin}${path}`, bearing(token)), { error: 'invalid_token' });
      await expectUnauthorized(await fetch(`${origin}${path}`));
    }
    expect(handler).not.toHaveBeenCalled();
    const found = { auth: ['reader'], partner: ['auditor'] };
    expect(await (await fetch(`${origin}/api/partner`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['auditor'] });
    expect(await (await fetch(`${origin}/partner/api`, bearing(tokens.both))).json()).toEqual({ ...found, getAuth: ['reader'] });
  });

  test('a request is verified once a guard, however many of its guards stand on the way', async () => {
    const { api, partner } = twoGuards();
    const app = express();
    let looked = 0;
    app.use((req, _res, next) => {
      const { rawHeaders } = req;
      Object.defineProperty(req, 'rawHeaders', { get: () => (looked++, rawHeaders) });
      next();
    });
    app.use(api());
    app.use('/x', api.optional());
    app.get('/x', api(scope('a')), tell);
    app.get('/y', api(scope('b')), tell);
    app.get('/z', api(), partner(), partner.optional(), tell);
    const origin = await start(app, api);
    expect((await fetch(`${origin}/x`, bearing(tokens.api))).status).toBe(200);
    expect(looked).toBe(1);
    await expectForbidden(await fetch(`${origin}/y`, bearing(tokens.api)), { scope: 'b' });
    expect(looked).toBe(2);
    expect((await fetch(`${origin}/z`, bearing(tokens.both))).status).toBe(200);
    expect(looked).toBe(4);
  });
});
