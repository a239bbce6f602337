import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { importJWK, SignJWT, type JWK } from 'jose';
import { CLIENT_ID } from './provider.ts';
import type { World } from './world.ts';

type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Answers the token endpoint in place of the provider. */
export function answerTokens(status: number, body: object | string, headers: Readonly<Record<string, string>> = {}): Intercept {
  return (request, response) => {
    if (request.url !== '/token') return false;
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
    return true;
  };
}

/** An access token whose `jti` says that no provider issued it, and whatever else the response should have. */
export function tokenResponse(more: object = {}): object {
  const payload = Buffer.from(JSON.stringify({ jti: 'made-up', sub: 'alice' })).toString('base64url');
  return { access_token: `eyJhbGciOiJub25lIn0.${payload}.`, token_type: 'Bearer', expires_in: 300, refresh_token: 'made-up', ...more };
}

/** Returns an ID token that the provider's own key signed. */
export async function idTokenOf({ provider, clock }: World, key: JWK, claims: object): Promise<string> {
  const now = Math.floor(clock.now() / 1000);
  return new SignJWT({ iss: provider.issuer, aud: CLIENT_ID, iat: now, exp: now + 300, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid! })
    .sign(await importJWK(key, 'ES256'));
}

/**
 * Answers requests for revocation in place of the provider, which would revoke all tokens of a grant, as if only the very token were revoked. Returns the tokens.
 *
 * @param others answers other requests
 */
export function watchRevocations({ provider }: World, others: NonNullable<World['provider']['intercept']> = () => false): readonly string[] {
  const revoked: string[] = [];
  provider.intercept = async (request, response) => {
    if (request.url !== '/token/revocation') return others(request, response);
    revoked.push(new URLSearchParams(await text(request)).get('token')!);
    response.writeHead(200).end();
    return true;
  };
  return revoked;
}

interface HeldTokens {
  /** Resolves when a request is held. */
  readonly arrived: Promise<void>;
  release(): void;
}

/** Lets requests for tokens arrive, and holds them until they are released. */
export function holdTokens({ provider }: World): HeldTokens {
  const { intercept, ...held } = tokenGate(Infinity);
  provider.intercept = intercept;
  return held;
}

/**
 * Does the same, and collects what is revoked at the issuer, as {@link watchRevocations} does. At most this many requests are held.
 *
 * @param answer answers those that were held, in place of the provider
 */
export function holdAndWatch(world: World, most = Infinity, answer?: Intercept): HeldTokens & { readonly revoked: readonly string[] } {
  const { intercept, ...held } = tokenGate(most, answer);
  return { ...held, revoked: watchRevocations(world, intercept) };
}

function tokenGate(
  most: number,
  answer: Intercept = () => false,
): HeldTokens & { readonly intercept: (...call: Parameters<Intercept>) => boolean | Promise<boolean> } {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let count = 0;
  return {
    arrived: arrived.promise,
    release: released.resolve,
    intercept(request, response) {
      if (request.url !== '/token' || ++count > most) return false;
      arrived.resolve();
      return released.promise.then(() => answer(request, response));
    },
  };
}
