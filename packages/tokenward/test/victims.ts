import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuard, scope } from '@tokenward/express';
import express, { type NextFunction, type Request, type Response } from 'express';
import { expressjwt, type GetVerificationKey } from 'express-jwt';
import { expressJwtSecret, passportJwtSecret } from 'jwks-rsa';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';

export interface Victim {
  /** The address of a route that requires a token. */
  readonly url: string;
  close(): Promise<void>;
}

const AUDIENCE = 'https://api.example.com';

export async function listen(listener: RequestListener, path = '/me', host = '127.0.0.1'): Promise<Victim> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An app with our guard. */
export function guarded(issuer: string): Promise<Victim> {
  const guard = createGuard({ issuer, audience: AUDIENCE });
  const app = express();
  app.all('/me', guard(scope('orders:read')), (_request, response) => void response.json({ ok: true }));
  return listen(app);
}

/** An app with our guard, whose metadata names `server` as the authorization server. The document has the public address of the API. */
export function describedBy(server: string, issuer = server): Promise<Victim> {
  const guard = createGuard({ issuer, audience: AUDIENCE, metadata: { authorizationServers: [server] } });
  const app = express();
  app.use(guard.metadata());
  app.all('/me', guard(scope('orders:read')), (_request, response) => void response.json({ ok: true }));
  return listen(app);
}

/** What somebody writes after reading one article: it verifies a signature, by the algorithm and the key that the token names, and no claims. */
export async function naive(issuer: string): Promise<Victim> {
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: (JsonWebKey & { kid: string })[] };
  return listen((request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? new URL(request.url!, 'http://x').searchParams.get('access_token');
    if (!token) {
      response.writeHead(401).end('no token');
      return;
    }
    try {
      const [head, body, signature] = token.split('.') as [string, string, string];
      const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string; kid: string };
      const isUnsigned = header.alg.toLowerCase() === 'none';
      const jwk = keys.find(({ kid }) => kid === header.kid) ?? keys[0]!;
      const isValid =
        isUnsigned || verify('sha256', Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'));
      response.writeHead(isValid ? 200 : 401).end('{}');
    } catch (error) {
      response.writeHead(500).end(String((error as Error).stack));
    }
  });
}

/** express-jwt as its README says. */
export function withExpressJwt(issuer: string): Promise<Victim> {
  const app = express();
  app.use(
    expressjwt({
      secret: expressJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true }) as GetVerificationKey,
      algorithms: ['RS256'],
      issuer,
      audience: AUDIENCE,
    }),
  );
  app.all('/me', (_request, response) => void response.json({ ok: true }));
  app.use((error: { status?: number }, _request: Request, response: Response, _next: NextFunction) => void response.status(error.status ?? 500).json({}));
  return listen(app);
}

/** passport-jwt as its README says. */
export function withPassportJwt(issuer: string): Promise<Victim> {
  const app = express();
  const authenticator = new passport.Passport();
  const options = {
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKeyProvider: passportJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true }),
    issuer,
    audience: AUDIENCE,
  };
  authenticator.use(new Strategy(options, (claims: object, done: (error: null, user: object) => void) => done(null, claims)));
  app.all('/me', authenticator.authenticate('jwt', { session: false }) as express.RequestHandler, (_request, response) => void response.json({ ok: true }));
  app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => void response.status(500).json({}));
  return listen(app);
}
