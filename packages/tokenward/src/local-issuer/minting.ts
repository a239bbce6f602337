import { didYouMean } from '@tokenward/core/adapter';
import type { Provider } from 'oidc-provider';
import type { LocalProvider, ProviderSettings } from './provider.js';
import { claimsOfUser, RESERVED_CLAIMS, SCOPE } from './users.js';

/** What `tokenward token` asks for. */
export interface TokenRequest {
  /** Default: the first user. */
  readonly subject?: string;
  readonly scopes?: readonly string[];
  /** Default: the roles of the user. */
  readonly roles?: readonly string[];
  /** Default: the first audience of the issuer. */
  readonly audience?: string;
  /** Default: `dev-app`. */
  readonly clientId?: string;
  /** Seconds. A negative number mints a token that has expired. */
  readonly lifetimeSeconds?: number;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A wish that the issuer does not grant. The message is for the developer. */
export class MintingError extends Error {
  override readonly name = 'MintingError';
}

/** A day. */
const MAX_LIFETIME_SECONDS = 86_400;

/**
 * Returns a function that mints access tokens without a login.
 *
 * @returns a token as the issuer's own: signed with its key, or opaque and known to its introspection endpoint
 */
export function createMint(settings: ProviderSettings, { provider, mintedClaims }: LocalProvider): (request: TokenRequest) => Promise<string> {
  const { audiences, users, clients, isOpaque, accessTokenLifetime } = settings;

  return async (request) => {
    const { subject = users[0]!.subject, scopes = [], audience = audiences[0]!, clientId = clients.publicId, lifetimeSeconds = accessTokenLifetime } = request;
    check(request, audiences);
    const user = users.find((one) => one.subject === subject);
    const client =
      (await provider.Client.find(clientId)) ?? (isOpaque ? unknownClient(settings) : ({ clientId, subjectType: 'public' } as unknown as RegisteredClient));
    const now = Math.floor(Date.now() / 1000);
    const token = new provider.AccessToken({ accountId: subject, client, scope: scopes.join(' '), gty: 'authorization_code' } as ConstructorParameters<
      Provider['AccessToken']
    >[0]);
    const format = isOpaque ? 'opaque' : 'jwt';
    token.resourceServer = new provider.ResourceServer(audience, {
      scope: scopes.join(' '),
      audience,
      accessTokenFormat: format,
      jwt: { sign: { alg: 'RS256' } },
    });
    // an expired token was issued before it expired
    Object.assign(token, { iat: Math.min(now, now + lifetimeSeconds - 1), exp: now + lifetimeSeconds });
    mintedClaims.set(token, { ...(user && claimsOfUser(user)), ...(request.roles && { roles: request.roles }), ...request.claims });
    return token.save();
  };
}

type RegisteredClient = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

function unknownClient({ clients: { publicId, confidentialId } }: ProviderSettings): never {
  throw new MintingError(`opaque tokens need a client of the issuer: ${publicId} or ${confidentialId}`);
}

function check({ subject, scopes = [], audience, lifetimeSeconds, claims = {} }: TokenRequest, audiences: readonly string[]): void {
  if (subject !== undefined && (typeof subject !== 'string' || subject === '')) throw new MintingError('the subject must be a text');
  if (audience !== undefined && !audiences.includes(audience)) {
    throw new MintingError(
      `the issuer has no such audience${didYouMean(audience, audiences) || `. It has ${audiences.join(', ')}: start it with --audience for another`}`,
    );
  }
  if (scopes.some((scope) => !SCOPE.test(scope)))
    throw new MintingError('a scope has no white space, quotes or backslashes (RFC 6749 s3.3). Repeat --scope for several');
  if (lifetimeSeconds !== undefined && (!Number.isSafeInteger(lifetimeSeconds) || Math.abs(lifetimeSeconds) > MAX_LIFETIME_SECONDS || lifetimeSeconds === 0)) {
    throw new MintingError(`the lifetime is a number of seconds up to ${MAX_LIFETIME_SECONDS}, and negative for an expired token`);
  }
  const reserved = Object.keys(claims).find((name) => RESERVED_CLAIMS.has(name));
  if (reserved !== undefined) throw new MintingError(`the issuer sets the claim ${reserved}. Use the option for it, if there is one`);
}
