import { didYouMean } from '@tokenward/core/adapter';
import type { Provider } from 'oidc-provider';
import type { LocalProvider, ProviderSettings } from './provider.js';
import { MAX_LIFETIME_SECONDS } from './lifetime.js';
import { claims, memberProblem, names, scopes, string, text, type Check } from './members.js';
import { claimsOfUser } from './users.js';

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

/**
 * Returns a function that mints access tokens without a login.
 *
 * @returns a token as the issuer's own: signed with its key, or opaque and known to its introspection endpoint
 */
export function createMint(settings: ProviderSettings, { provider, mintedClaims }: LocalProvider): (request: object) => Promise<string> {
  const { audiences, users, clients, isOpaque, accessTokenLifetime } = settings;

  return async (asked) => {
    const request = checked<TokenRequest>(asked, MEMBERS);
    const { subject = users[0]!.subject, scopes = [], audience = audiences[0]!, clientId = clients.publicId, lifetimeSeconds = accessTokenLifetime } = request;
    assertAudience(audience, audiences);
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

const lifetime: Check = (value) =>
  Number.isSafeInteger(value) && value !== 0 && Math.abs(value as number) <= MAX_LIFETIME_SECONDS
    ? undefined
    : `must be a number of seconds up to ${MAX_LIFETIME_SECONDS}, and negative for an expired token`;

const MEMBERS: Readonly<Record<keyof TokenRequest, Check>> = {
  subject: text,
  scopes,
  roles: names,
  audience: string,
  clientId: text,
  lifetimeSeconds: lifetime,
  claims,
};

/**
 * Returns a request from outside.
 *
 * @throws MintingError for a member that is unknown, or of another type
 */
export function checked<R extends object>(request: object, members: Readonly<Record<keyof R & string, Check>>): R {
  const found = memberProblem(request, members);
  if (found) throw new MintingError(`${OPTIONS.get(found.member) ?? 'the request'} ${found.problem}`);
  return request as R;
}

/** The options of the commands, by the members of their requests. */
const OPTIONS: ReadonlyMap<string | undefined, string> = new Map([
  ['subject', '--subject'],
  ['scopes', '--scope'],
  ['roles', '--role'],
  ['audience', '--audience'],
  ['clientId', '--client'],
  ['lifetimeSeconds', '--lifetime'],
  ['claims', '--claim'],
]);

export function assertAudience(wanted: string, audiences: readonly string[]): void {
  if (audiences.includes(wanted)) return;
  throw new MintingError(
    `the issuer has no such audience${didYouMean(wanted, audiences) || `. It has ${audiences.join(', ')}: start it with --audience for another`}`,
  );
}
