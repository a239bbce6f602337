import { misuse } from '@tokenward/core/adapter';

/** What an access token of any provider says, before it gets the provider's shape. */
export interface TokenContent {
  readonly issuer: string;
  /** undefined: the test does not say. */
  readonly audience: string | readonly string[] | undefined;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** How one provider writes access tokens, as its documentation says. */
export interface ProviderShape {
  /** The issuer's path on its server. The test issuer has the same, unless the test names an issuer. */
  readonly path: string;
  /** Whether the issuer identifier ends with a slash. */
  readonly endsWithSlash?: boolean;
  /** The header's `typ`; undefined if the provider writes none. */
  readonly type: string | undefined;
  /** The audience, if the test says none. Default: that of every test issuer. */
  readonly audience?: string;
  /** The `use` of the published keys. Default: `sig`. */
  readonly keyUse?: 'jwt-svid';
  /** Returns the claims. One that is undefined is left out. */
  claims(content: TokenContent): Readonly<Record<string, unknown>>;
}

/** Returns the names as one text, or undefined if there are none. */
export function scopeText(scopes: readonly string[]): string | undefined {
  return scopes.length > 0 ? scopes.join(' ') : undefined;
}

/** Returns the names, or undefined if there are none. */
export function listed(names: readonly string[]): readonly string[] | undefined {
  return names.length > 0 ? names : undefined;
}

/** @throws ConfigurationError if there are names that the provider's tokens cannot have */
export function assertNone(provider: string, member: 'scopes' | 'roles', names: readonly string[], remedy: string): void {
  if (names.length > 0) throw misuse(member, `tokens like those of ${provider} have none. ${remedy}`);
}
