import express, { type Express } from 'express';
import type { AddressInfo } from 'node:net';
import { createGuard, getAuth, role, scope, type ExpressGuardOptions } from '@tokenward/express';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer } from '@tokenward/testing';
import { asInTheDocs, printedDuring } from './symptoms/printed.js';

/** What a mistake can use. */
export interface Bench {
  readonly issuer: TestIssuer;
  readonly clock: TestClock;
  /** Starts an app with `/orders` (scope `orders:read`) and `/admin` (role `admin`) behind a guard, and sends it a request. */
  ask(options: Partial<ExpressGuardOptions>, sent: Sent): Promise<void>;
  /** Serves another app, and sends it a request. */
  askApp(app: Express, sent: Sent): Promise<void>;
  /** Runs code that throws at start-up. */
  start(make: () => unknown): void;
}

export interface Sent {
  readonly path?: string;
  readonly authorization?: string | undefined;
}

export interface Mistake {
  /** The heading in the docs. */
  readonly title: string;
  readonly make: (bench: Bench) => Promise<void>;
}

const bearer = async (issuer: TestIssuer, wanted: Parameters<TestIssuer['issueToken']>[0] = {}): Promise<Sent> => ({
  authorization: `Bearer ${await issuer.issueToken({ scopes: ['orders:read'], ...wanted })}`,
});

export const MISTAKES: readonly Mistake[] = [
  { title: 'The client sends no token', make: ({ ask }) => ask({}, {}) },
  {
    title: 'The word Bearer is missing',
    make: async ({ ask, issuer }) => ask({}, { authorization: await issuer.issueToken() }),
  },
  {
    title: 'The token comes from another issuer, or another environment',
    make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { claims: { iss: 'https://login.staging.example.com' } })),
  },
  {
    title: 'The issuer has an extra slash at the end',
    make: async ({ ask, issuer }) => ask({ issuer: `${issuer.issuer}/` }, await bearer(issuer)),
  },
  {
    title: 'The issuer is configured with http',
    make: async ({ start, issuer }) => start(() => createGuard({ issuer: 'http://login.example.com', audience: issuer.audience })),
  },
  {
    title: "The metadata is not under the issuer's address (Docker, private networks)",
    make: async ({ ask, issuer }) => ask({ issuer: `${issuer.issuer}/realms/shop` }, await bearer(issuer, { claims: { iss: `${issuer.issuer}/realms/shop` } })),
  },
  {
    title: 'The token is for another API',
    make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { audience: 'https://orders.example.com' })),
  },
  { title: 'The token has no audience', make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { claims: { aud: undefined } })) },
  {
    title: 'The client sends the ID token',
    make: async ({ ask, issuer }) =>
      ask({}, await bearer(issuer, { header: { typ: 'JWT' }, claims: { nonce: 'n-0S6_WzA2Mj', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng', scope: undefined } })),
  },
  { title: 'The token is opaque', make: ({ ask }) => ask({}, { authorization: 'Bearer 2YotnFZFEjr1zCsicMWpAA' }) },
  { title: 'The token has expired', make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { lifetimeSeconds: -3600 })) },
  {
    title: 'A clock is off',
    make: async ({ ask, issuer, clock }) => ask({ clock: { ...clock, now: () => clock.now() - 600_000 } }, await bearer(issuer)),
  },
  {
    title: 'The key was rotated, or belongs to another environment',
    make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { header: { kid: 'key-of-last-year' } })),
  },
  {
    title: 'The signature does not match',
    make: async ({ ask, issuer }) => {
      const { authorization } = await bearer(issuer);
      const [header, , signature] = authorization!.split('.') as [string, string, string];
      const [, payload] = (await issuer.issueToken({ subject: 'somebody-else' })).split('.') as [string, string, string];
      await ask({}, { authorization: `${header}.${payload}.${signature}` });
    },
  },
  {
    title: 'The authorization server cannot be reached',
    make: async ({ ask, issuer }) => {
      const token = await bearer(issuer);
      await issuer.close();
      await ask({}, token);
    },
  },
  {
    title: 'The metadata puts the keys on a host that is not allowed',
    make: async ({ ask, issuer }) => {
      issuer.misbehave({ document: { issuer: issuer.issuer, jwks_uri: 'https://keys.example.net/jwks' } }, 'metadata');
      await ask({ keyFetching: { jwksHosts: ['keys.example.com'] } }, await bearer(issuer));
    },
  },
  {
    title: 'The token is signed with a shared secret (HS256)',
    make: async ({ ask, issuer }) => ask({ algorithms: ['RS256', 'ES256'] }, await bearer(issuer, { algorithm: 'HS256' })),
  },
  {
    title: 'The shared secret has no encoding',
    make: async ({ start, issuer }) =>
      start(() =>
        createGuard({ issuer: 'https://login.example.com', audience: issuer.audience, sharedSecrets: 'tGkq7Xw2Zb9Rf4Hn1Vc8Ys5Lp0Jd3Mm6Qa2Te7Uo1Ki' as never }),
      ),
  },
  { title: 'The scope is missing', make: async ({ ask, issuer }) => ask({}, await bearer(issuer, { scopes: ['openid', 'profile'] })) },
  {
    title: 'The roles are in another claim',
    make: async ({ ask, issuer }) => ask({}, { ...(await bearer(issuer, { claims: { realm_access: { roles: ['admin'] } } })), path: '/admin' }),
  },
  {
    title: 'The path to the roles is written as one string',
    make: async ({ start, issuer }) =>
      start(() => createGuard({ issuer: 'https://login.example.com', audience: issuer.audience, rolesClaim: 'realm_access.roles' })),
  },
  {
    title: 'An option is mistyped',
    make: async ({ start, issuer }) => start(() => createGuard({ issuer: 'https://login.example.com', audiance: issuer.audience } as never)),
  },
  {
    title: 'The guard comes after the handler, or is missing',
    make: async ({ askApp, issuer }) => {
      const app = express();
      app.get('/orders', (request, response) => void response.json({ for: getAuth(request).subject }));
      await askApp(app, await bearer(issuer));
    },
  },
  {
    title: 'A handler needs a caller, but its route does not',
    make: async ({ askApp, issuer }) => {
      const app = express();
      const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
      app.get('/orders', guard.optional(), (request, response) => void response.json({ for: getAuth(request).subject }));
      await askApp(app, {});
    },
  },
  {
    title: 'The brackets are missing: app.use(guard)',
    make: async ({ askApp, issuer }) => {
      const app = express();
      const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
      app.use(guard as never);
      app.get('/orders', (_request, response) => void response.json([]));
      await askApp(app, await bearer(issuer));
      await guard.close();
    },
  },
];

/** Makes one mistake in a real app, and returns the printed lines, as the documentation shows them. */
export async function printedBy(mistake: Mistake): Promise<readonly string[]> {
  const clock = createTestClock();
  clock.set(Math.ceil(clock.now() / 1000) * 1000);
  const issuer = await createTestIssuer({ clock });

  async function askApp(app: Express, { path = '/orders', authorization }: Sent, lines: string[]): Promise<void> {
    app.use(((error: Error, _request, response, _next) => {
      lines.push(`${error.name}: ${error.message}`);
      response.status(500).end();
    }) as express.ErrorRequestHandler);
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { status } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      headers: { ...(authorization && { authorization }) },
    });
    await new Promise((resolve) => server.close(resolve));
    if (status < 400) lines.push(`it was admitted: ${status}`);
  }

  const lines = await printedDuring((printed) =>
    mistake.make({
      issuer,
      clock,
      askApp: (app, sent) => askApp(app, sent, printed),
      async ask(options, sent) {
        const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, ...options });
        const app = express();
        app.get('/orders', guard(scope('orders:read')), (_request, response) => void response.json([]));
        app.get('/admin', guard(role('admin')), (_request, response) => void response.json([]));
        await askApp(app, sent, printed);
        await guard.close();
      },
      start(make) {
        try {
          make();
          printed.push('it started');
        } catch (error) {
          printed.push(String(error));
        }
      },
    }),
  );
  await issuer.close().catch(() => {});
  return asInTheDocs(lines, issuer, clock);
}
