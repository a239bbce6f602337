import { WITHOUT_ISSUED_AT } from '../vocabulary/revocation-words.js';
import type { Reason } from '../vocabulary/reason.js';

/** What a reason's text may look at: the cause as text, and the raw values, which it compares and never prints. */
export interface TextInput {
  readonly cause: string | undefined;
  readonly expected: unknown;
  readonly found: unknown;
}

interface Text {
  readonly summary: string;
  readonly remedy: string;
  /** Says more where the details allow it. */
  readonly refine?: ((input: TextInput) => { readonly summary?: string | undefined; readonly remedy?: string | undefined }) | undefined;
}

/**
 * The text of every reason: for `explain()`, hints, and docs/why-401.md, which a test holds to these very words. Everything in it is ours; causes are
 * fixed words, names of claims and policies, and configuration.
 */
export const TEXTS: Readonly<Record<Reason, Text>> = {
  missing_token: {
    summary: 'The request has no access token: there is no Authorization header.',
    remedy: 'Send "Authorization: Bearer <access token>". If the client does send it, check proxies and redirects on the way: they may drop the header.',
  },
  unsupported_scheme: {
    summary: 'The Authorization header has a scheme other than Bearer.',
    remedy: 'Send "Authorization: Bearer <access token>". If a proxy adds Basic credentials of its own, have it remove them, or use guard.optional().',
    refine: withCause('The Authorization header has a scheme other than Bearer'),
  },
  malformed_credentials: {
    summary: 'The Authorization header cannot be read as a Bearer token.',
    remedy: 'Send the word Bearer, one space and the token: no quotes, no line break, and not the text "undefined".',
    refine: withCause('The Authorization header cannot be read as a Bearer token'),
  },
  multiple_credentials: {
    summary: 'The request has more than one access token.',
    remedy: 'Send one Authorization header, and no access_token in the query. Check whether a proxy adds a second header.',
  },
  token_too_large: {
    summary: 'The token is longer than maxTokenBytes allows.',
    remedy: 'Have the issuer put less into the token (groups are the usual reason), or raise maxTokenBytes.',
  },
  malformed_token: {
    summary: 'The token is not a signed JWT.',
    remedy:
      'Check which token the client sends. An opaque access token cannot be verified here: ask the authorization server for a JWT, often by naming this API as audience or resource.',
    refine: withCause('The token is not a signed JWT'),
  },
  encrypted_token: {
    summary: 'The token is encrypted (JWE) or contains another token.',
    remedy: 'Configure the authorization server to issue signed, unencrypted access tokens for this API.',
  },
  unsupported_critical_header: {
    summary: 'The token\'s header demands an extension ("crit" or "b64") that is not supported.',
    remedy: 'Check which token the client sends; access tokens of the usual servers have no such header.',
  },
  wrong_type: {
    summary: 'The token\'s header says that it is another kind of token ("typ").',
    remedy: 'Send the access token, not an ID token, a logout token or a DPoP proof. With profile "rfc9068" the type must be at+jwt.',
  },
  not_an_access_token: {
    summary: 'The token is an ID token, a logout token or another kind of token.',
    remedy: 'Send the access token: the token response calls it access_token, not id_token.',
    refine: ({ cause }) => ({ summary: cause && `The token is an ID token, a logout token or another kind of token: its claim ${cause} says so.` }),
  },
  algorithm_not_allowed: {
    summary: 'The token is signed with an algorithm that this guard does not allow.',
    remedy: 'If the issuer really signs with it, add it to algorithms. HS256, HS384 and HS512 need sharedSecrets.',
    refine: ({ found }) => ({
      remedy:
        typeof found === 'string' && /^HS\d/.test(found)
          ? 'The token is signed with a shared secret. If the issuer really does that, set sharedSecrets; else configure it to sign with a key pair (RS256, ES256).'
          : found === 'none'
            ? 'The token is not signed at all. Nothing makes it acceptable: check where the client got it from.'
            : undefined,
    }),
  },
  unknown_key: {
    summary: 'The issuer publishes no key with the token\'s key ID ("kid") for this algorithm.',
    remedy:
      'Check that the token comes from this issuer and environment, and that jwksUri is the right one. After a rotation new keys are looked up within keyFetching.unknownKeyCooldownSeconds.',
    refine: ({ cause }) => ({
      summary: cause && 'The key with the token\'s key ID ("kid") is labelled for another issuer ("issuer" in its JWK), so it does not sign for this one.',
    }),
  },
  bad_signature: {
    summary: "The signature does not match the issuer's key.",
    remedy:
      'Check that the token arrived unchanged and comes from this issuer and environment. With sharedSecrets, check the encoding of the secret (utf8, base64url, base64 or hex). A recreated development realm has new keys under old names.',
  },
  issuer_mismatch: {
    summary: 'The token was issued by another issuer than the configured one.',
    remedy: 'If the token is right, set issuer to exactly what its iss says. Check that client and API use the same environment and tenant.',
    refine: ({ expected, found }) => ({ remedy: issuerRemedy(expected, found) }),
  },
  audience_mismatch: {
    summary: 'The token is meant for another API ("aud").',
    remedy:
      'Have the client ask for a token for this API (its audience, resource or scope parameter), or set audience to what the authorization server writes into aud for this API.',
    refine: ({ expected, found }) => ({
      summary: expected !== undefined && isNothing(found) ? 'The token names no API that it is meant for: it has no "aud".' : undefined,
    }),
  },
  client_not_allowed: {
    summary: 'The token was issued to a client that is not in allowedClients.',
    remedy: 'Add the client to allowedClients if it may call this API.',
  },
  missing_claim: {
    summary: 'The token lacks a claim that is required.',
    remedy:
      'Have the authorization server add the claim, or do not demand it (requiredClaims, requiredValues, profile). For issuers that write no iat there is unsafeAcceptTokensWithoutIssuedAt.',
    refine: ({ cause }) => ({ summary: cause && `The token lacks the claim ${cause}, which is required.` }),
  },
  invalid_claim: {
    summary: 'A claim of the token has a value or a type that is not accepted.',
    remedy: 'Compare the claim with requiredValues, forbiddenClaims and the claims schema; the registered claims have the types of RFC 7519.',
    refine: ({ cause }) => ({ summary: cause && `The claim ${cause} has a value or a type that is not accepted.` }),
  },
  expired: {
    summary: 'The token has expired.',
    remedy: 'Have the client fetch a new token. If it is new, compare the clocks of this machine and of the issuer; clockSkewSeconds forgives up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token expired ${secondsIn(cause)} ago.` }),
  },
  not_yet_valid: {
    summary: 'The token is not valid yet ("nbf").',
    remedy: 'Compare the clocks of this machine and of the issuer: one of them is off. clockSkewSeconds forgives up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token becomes valid in ${secondsIn(cause)} ("nbf").` }),
  },
  issued_in_the_future: {
    summary: 'The token says that it was issued in the future ("iat").',
    remedy: 'Compare the clocks of this machine and of the issuer: one of them is off. clockSkewSeconds forgives up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token says that it was issued ${secondsIn(cause)} in the future ("iat").` }),
  },
  too_old: {
    summary: 'The token was issued longer ago than maxTokenAgeSeconds allows.',
    remedy: 'Have the client fetch a new token, or raise maxTokenAgeSeconds.',
  },
  lifetime_too_long: {
    summary: 'The token lives longer than maxTokenLifetimeSeconds allows.',
    remedy: 'Shorten the lifetime of access tokens at the authorization server, or raise maxTokenLifetimeSeconds.',
  },
  unproven_confirmation: {
    summary: 'The token is sender-constrained ("cnf"): it needs a proof of possession, which is not supported yet.',
    remedy: 'Have the authorization server issue plain bearer tokens for this API (no DPoP, no mutual TLS).',
  },
  revoked: {
    summary: 'The token was revoked.',
    remedy: 'Have the client fetch a new token. Events on tokenward:revoked say when tokens are revoked, and by which kind.',
    refine: ({ cause }) => ({
      summary: cause && `The token was revoked: ${cause}.`,
      remedy: cause?.includes(WITHOUT_ISSUED_AT)
        ? 'Have the issuer write iat into its tokens: only then can new ones be told from revoked ones. Until it does, give revoke() an until, or revoke by tokenId (docs/revocation.md, "Tokens without iat").'
        : undefined,
    }),
  },
  insufficient_scope: {
    summary: 'The token does not have the scopes that the route needs.',
    remedy: 'Have the client ask for these scopes, and check that the user and the client may have them. If the scopes are in another claim, set scopesClaim.',
    refine: withCause('The token does not have the scopes that the route needs'),
  },
  insufficient_role: {
    summary: 'The token does not have the roles that the route needs.',
    remedy:
      'Check what the user was given, and whether rolesClaim names the place where this issuer writes roles: a name, an array as the path to it, or a function.',
    refine: withCause('The token does not have the roles that the route needs'),
  },
  insufficient_claim: {
    summary: 'A claim does not have the value that the route needs.',
    remedy: 'Check what the issuer writes into the claim, and what the policy demands.',
    refine: withCause('A claim does not have the value that the route needs'),
  },
  policy_refused: {
    summary: 'A policy of the route refused.',
    remedy: 'Look at the policy: a predicate admits only by returning true, at once. Anything else, an exception or a promise included, refuses.',
    refine: withCause('A policy of the route refused'),
  },
  weak_authentication: {
    summary: 'The login was not strong enough ("acr").',
    remedy: 'The client has to send the user through a login with the acr_values of the challenge (RFC 9470).',
    refine: withCause('The login was not strong enough'),
  },
  stale_authentication: {
    summary: 'The login is too long ago, or the token does not say when it was ("auth_time").',
    remedy: 'The client has to send the user through a new login with the max_age of the challenge (RFC 9470).',
    refine: withCause('The login is too long ago, or the token does not say when it was'),
  },
  keys_unavailable: {
    summary: "The issuer's keys cannot be fetched, and no cached key can verify this token.",
    remedy: 'Check that this machine reaches the address, that issuer, metadataUrl or jwksUri is right, and guard.health().',
    refine: withCause("The issuer's keys cannot be fetched, and no cached key can verify this token"),
  },
  issuer_unavailable: {
    summary: 'The function that resolves issuers failed or took too long.',
    remedy: 'Look at the issuers function that was given to the guard, and at what it asks.',
    refine: withCause('The function that resolves issuers failed or took too long'),
  },
  revocations_unavailable: {
    summary: 'The store of revocations cannot be read, so nobody can tell whether the token was revoked.',
    remedy: 'Check the store (guard.health().revocations). The guard recovers by itself when the store is back.',
    refine: withCause('The store of revocations cannot be read, so nobody can tell whether the token was revoked'),
  },
};

function withCause(summary: string): Text['refine'] {
  return ({ cause }) => ({ summary: cause && `${summary}: ${cause}.` });
}

/** The difference between two clocks, where the cause tells it. */
function secondsIn(cause: string | undefined): string | undefined {
  return /\b\d+(?:\.\d+)? s\b/.exec(cause ?? '')?.[0];
}

function isNothing(found: unknown): boolean {
  return found === undefined || found === null || (Array.isArray(found) && found.length === 0);
}

/** The mistakes that everybody makes have a sentence of their own. */
function issuerRemedy(expected: unknown, found: unknown): string | undefined {
  if (typeof found !== 'string') return 'The token has no readable iss. Check which token the client sends.';
  const names = (Array.isArray(expected) ? expected : [expected]).filter((name): name is string => typeof name === 'string');
  const withoutSlash = (text: string): string => text.replace(/\/$/, '');
  if (names.some((name) => withoutSlash(name) === withoutSlash(found))) {
    return 'The two differ in the slash at the end only. Write issuer exactly as the token has it.';
  }
  const withoutScheme = (text: string): string => withoutSlash(text).replace(/^https?:/, '');
  if (names.some((name) => withoutScheme(name) === withoutScheme(found))) {
    return 'The two differ in http and https only. Configure the public https address at the authorization server, and write issuer exactly as the token has it.';
  }
  const pathOf = (text: string): string | undefined => URL.parse(text)?.pathname;
  if (names.some((name) => pathOf(name) !== undefined && pathOf(name) === pathOf(found) && pathOf(found) !== '/')) {
    return 'The two differ in the host only. Set issuer to what the token says; if its metadata is reachable under another address only (Docker, private networks), set metadataUrl to that.';
  }
  return undefined;
}
