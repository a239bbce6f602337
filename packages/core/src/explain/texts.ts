import { UNAUTHORIZED, UNBOUND } from '../vocabulary/binding-words.js';
import { NO_COMMON_LOGIN } from '../vocabulary/policy-words.js';
import { WITHOUT_ISSUED_AT } from '../vocabulary/revocation-words.js';
import type { Reason } from '../vocabulary/reason.js';

/** The details that may refine a text: the cause as text, and the values, which are compared and never printed. */
export interface TextInput {
  readonly cause: string | undefined;
  readonly expected: unknown;
  readonly found: unknown;
}

interface Text {
  readonly summary: string;
  readonly remedy: string;
  /** Returns a more exact text if the details allow it. */
  readonly refine?: ((input: TextInput) => { readonly summary?: string | undefined; readonly remedy?: string | undefined }) | undefined;
}

const BIND_TO_CERTIFICATE = 'Have the client use its certificate at the token endpoint, so that the authorization server binds the token to it.';

/** For the causes that the text of `unbound_token` itself does not fit. */
const UNBOUND_REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    UNBOUND.scheme,
    'Send tokens that are bound to nothing, or to a certificate, as "Authorization: Bearer <access token>". If the token should be bound to a key, have the client send a DPoP proof to the token endpoint.',
  ],
  [
    UNBOUND.dpop,
    'Have the client send a DPoP proof to the token endpoint, so that the authorization server binds the token to its key. A token that is bound to a certificate alone does not count here.',
  ],
  [UNBOUND.mtls, `${BIND_TO_CERTIFICATE} A token that is bound to a key alone (DPoP) does not count here.`],
  [UNBOUND.anyWithoutDpop, BIND_TO_CERTIFICATE],
]);

/** The cause says where the guard looks for the certificate: in the connection, in a header, or in what `getCertificate` returns. */
function missingCertificateRemedy(cause: string): string | undefined {
  if (cause.includes('getCertificate'))
    return 'Have the client send the certificate with which it fetched the token, and getCertificate return it: as { raw, authorized } with its DER, or as { sha256, authorized }.';
  if (cause.includes('header '))
    return 'Have the client send the certificate with which it fetched the token, and the proxy pass it on in the header that clientCertificate.header names. Check that clientCertificate.trustedProxies lists the address of the proxy.';
  return undefined;
}

const NO_SESSION_REMEDY =
  'Log the user in: a link to the login route of the browser session, or login() of @tokenward/browser-session/client. If somebody is logged in, have the browser call the app at its own origin, since it sends the session cookie only there. If the refused request is the login itself, mount session.routes() before the guard.';

const CONTRADICTION_REMEDY =
  'These policies contradict each other: whichever login the user chooses, one of them refuses it. Change them so that one login satisfies all of them. The policies of earlier guards on the route count, too. If a policy is an anyOf(...), a token that satisfies an alternative without a login passes as well.';

/**
 * The text of every reason, for `explain()`, hints and the documentation (reasons/); a test compares the page with it. Texts contain nothing from a token: causes are
 * fixed words, names of claims and policies, and configuration.
 */
export const TEXTS: Readonly<Record<Reason, Text>> = {
  missing_token: {
    summary: 'The request has no access token: there is no Authorization header.',
    remedy: 'Send "Authorization: Bearer <access token>". If the client sends it, check proxies and redirects on the way: they may drop the header.',
    refine: withCause('The request has no access token', () => NO_SESSION_REMEDY),
  },
  unsupported_scheme: {
    summary: 'The Authorization header has a scheme that is not accepted.',
    remedy:
      'Send "Authorization: Bearer <access token>". If a proxy adds Basic credentials of its own, configure it to remove them, or use guard.optional(), which also admits requests without a token.',
    refine: withCause('The Authorization header has a scheme that is not accepted'),
  },
  session_ended: {
    summary: 'The request has a session cookie, and its session has ended.',
    remedy: 'Have the user log in again. The event tokenward:session reports why each session ended.',
    refine: withCause('The request has a session cookie, and its session has ended'),
  },
  cross_site_request: {
    summary: 'The request has a session cookie, and nothing shows that it comes from the app itself.',
    remedy:
      'Send the header "x-tokenward-csrf: 1" with every request that has the session cookie, as fetch() of @tokenward/browser-session/client does. Origin, if it is sent, must be the origin option of the browser session: open the app at that address, and let a development server on another port pass the calls on. Pages and scripts of other sites cannot send the header, so other requests of this kind are attacks or links from elsewhere.',
    refine: withCause('The request has a session cookie, and nothing shows that it comes from the app itself'),
  },
  malformed_credentials: {
    summary: 'The Authorization header cannot be read as a Bearer token.',
    remedy: 'Send the word Bearer, one space and the token: no quotes and no line break.',
    refine: withCause('The credentials cannot be read as a Bearer token'),
  },
  multiple_credentials: {
    summary: 'The request has more than one access token.',
    remedy: 'Send one Authorization header, and no access_token in the query. Check whether a proxy adds a second header.',
  },
  bearer_with_proof: {
    summary: 'The request has a DPoP proof, and its access token is an ordinary bearer token.',
    remedy:
      'Have the client send the DPoP header to the token endpoint, too, so that the authorization server binds the token to its key. Or have it send no DPoP header with bearer tokens.',
  },
  token_too_large: {
    summary: 'The token is longer than maxTokenBytes allows.',
    remedy: 'Configure the issuer to write less into the token (the usual cause is a long list of groups), or raise maxTokenBytes.',
    refine: withCause(
      'The token is too large',
      () => 'Check which token the client sends: no authorization server writes so much into the header, and no option accepts it.',
    ),
  },
  malformed_token: {
    summary: 'The token is not a signed JWT.',
    remedy:
      'Check which token the client sends. For opaque access tokens, set introspection for the issuer, or ask the authorization server for a JWT, often by naming this API as audience or resource (for browser sessions, with the option of that name).',
    refine: withCause('The token is not a signed JWT'),
  },
  encrypted_token: {
    summary: 'The token is encrypted (JWE) or contains another token.',
    remedy:
      'Configure the authorization server to issue signed, unencrypted access tokens for this API, or set decryptionKeys to the private keys of the public ones with which it encrypts.',
    refine: withCause(
      'The encrypted token cannot be used',
      () =>
        'Compare decryptionKeys with the public key that the authorization server has for this API, and its settings for encrypting access tokens (https://tokenward.github.io/tokenward/guides/encrypted-tokens/). Anybody can send a token that is encrypted to a public key, so a few such refusals need not mean anything.',
    ),
  },
  unencrypted_token: {
    summary: 'The token is not encrypted, and encryptedTokens.required demands it.',
    remedy: 'Configure the authorization server to encrypt access tokens for this API, or leave encryptedTokens.required out while it issues both kinds.',
  },
  unsupported_critical_header: {
    summary: 'The token\'s header requires an extension ("crit" or "b64") that is not supported.',
    remedy: 'Check which token the client sends: access tokens of common authorization servers have no such header.',
  },
  wrong_type: {
    summary: 'The token\'s header says that it is not an access token ("typ").',
    remedy: 'Send the access token, not an ID token, a logout token or a DPoP proof. With profile "rfc9068", typ must be at+jwt.',
  },
  not_an_access_token: {
    summary: 'The token is an ID token, a logout token or another kind of token.',
    remedy: 'Send the access token: the token response calls it access_token, not id_token.',
    refine: ({ cause }) => ({ summary: cause && `The token is an ID token, a logout token or another kind of token: its claim ${cause} says so.` }),
  },
  algorithm_not_allowed: {
    summary: 'The token is signed with an algorithm that this guard does not allow.',
    remedy: 'If the issuer is meant to sign with it, add it to algorithms. HS256, HS384 and HS512 need sharedSecrets.',
    refine: ({ found }) => ({
      remedy:
        typeof found === 'string' && /^HS\d/.test(found)
          ? 'The token is signed with a shared secret. If the issuer is meant to do that, set sharedSecrets. Otherwise configure it to sign with a key pair (RS256, ES256).'
          : found === 'none'
            ? 'The token is not signed, and no option makes the guard accept it. Check where the client got it from.'
            : undefined,
    }),
  },
  unknown_key: {
    summary: 'The issuer publishes no key with the token\'s key ID ("kid") for this algorithm.',
    remedy:
      'Check that the token comes from this issuer and environment, and that jwksUri is the right one. After a rotation, the guard fetches new keys within keyFetching.unknownKeyCooldownSeconds.',
    refine: withCause('The issuer has no key that can verify the token'),
  },
  bad_signature: {
    summary: "The signature does not match the issuer's key.",
    remedy:
      'Check that the token arrived unchanged and comes from this issuer and environment. With sharedSecrets, check the encoding of the secret (utf8, base64url, base64 or hex). A development realm that was created anew has new keys with old key IDs.',
  },
  issuer_mismatch: {
    summary: 'The token comes from an issuer that is not configured.',
    remedy: 'If the token is right, set issuer to exactly the value of its iss. Check that the client and the API use the same environment and tenant.',
    refine: ({ expected, found }) => ({ remedy: issuerRemedy(expected, found) }),
  },
  audience_mismatch: {
    summary: 'The token is meant for another API ("aud").',
    remedy:
      'Have the client ask for a token for this API (its audience, resource or scope parameter), or set audience to what the authorization server writes into aud for this API.',
    refine: ({ expected, found }) => ({
      summary: expected !== undefined && isNothing(found) ? 'The token does not say which API it is meant for: it has no "aud".' : undefined,
      remedy: differInSlash(expected, found) ? 'The two differ only in the slash at the end. Write audience exactly as the token has it.' : undefined,
    }),
  },
  client_not_allowed: {
    summary: 'The token was issued to a client that is not in allowedClients.',
    remedy: 'Add the client to allowedClients if it may call this API.',
  },
  missing_claim: {
    summary: 'A required claim is missing from the token.',
    remedy:
      'Configure the authorization server to add the claim, or do not require it (requiredClaims, requiredValues, profile). For issuers that write no iat, there is unsafeAcceptTokensWithoutIssuedAt.',
    refine: ({ cause }) => ({ summary: cause && `The required claim ${cause} is missing from the token.` }),
  },
  invalid_claim: {
    summary: 'A claim of the token has a value or a type that is not accepted.',
    remedy: 'Compare the claim with requiredValues, forbiddenValues, forbiddenClaims and the claims schema; the registered claims have the types of RFC 7519.',
    refine: ({ cause }) => ({ summary: cause && invalidClaim(cause) }),
  },
  expired: {
    summary: 'The token has expired.',
    remedy:
      'Have the client fetch a new token. If it is new, compare the clocks of this machine and of the issuer; clockSkewSeconds allows a difference of up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token expired ${secondsIn(cause)} ago.` }),
  },
  not_yet_valid: {
    summary: 'The token is not valid yet ("nbf").',
    remedy: 'Compare the clocks of this machine and of the issuer: one of them is off. clockSkewSeconds allows a difference of up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token becomes valid in ${secondsIn(cause)} ("nbf").` }),
  },
  issued_in_the_future: {
    summary: 'The token says that it was issued in the future ("iat").',
    remedy: 'Compare the clocks of this machine and of the issuer: one of them is off. clockSkewSeconds allows a difference of up to 300 s.',
    refine: ({ cause }) => ({ summary: secondsIn(cause) && `The token says that it was issued ${secondsIn(cause)} in the future ("iat").` }),
  },
  too_old: {
    summary: 'The token was issued longer ago than maxTokenAgeSeconds allows.',
    remedy: 'Have the client fetch a new token, or raise maxTokenAgeSeconds.',
  },
  lifetime_too_long: {
    summary: "The token's lifetime is longer than maxTokenLifetimeSeconds allows.",
    remedy: 'Shorten the lifetime of access tokens at the authorization server, or raise maxTokenLifetimeSeconds.',
  },
  unproven_confirmation: {
    summary: 'The token is sender-constrained ("cnf") in a way that the guard cannot check.',
    remedy:
      'Have the authorization server issue bearer tokens for this API, or tokens that are bound to a key (DPoP, unless dpop is false) or to a client certificate (RFC 8705).',
    refine: withCause('The token is sender-constrained ("cnf") in a way that the guard cannot check'),
  },
  missing_certificate: {
    summary: 'The token is bound to a client certificate, and the guard found no certificate for the request.',
    remedy:
      'Have the client send the certificate with which it fetched the token, and set requestCert on the TLS server. If a proxy terminates TLS, set clientCertificate.header and clientCertificate.trustedProxies, and have the proxy send the header.',
    refine: withCause('The token is bound to a client certificate, and the guard found no certificate for the request', missingCertificateRemedy),
  },
  wrong_certificate: {
    summary: 'The token is bound to another client certificate than that of the request.',
    remedy:
      'Have the client use the certificate with which it fetched the token. If the client has a new certificate, it needs a new token. If another client sends the token, it was probably stolen.',
    refine: withCause('The request has the right client certificate, which does not count', (cause) =>
      cause === UNAUTHORIZED.function
        ? 'Have getCertificate return authorized: true for a certificate that a trusted authority issued, if something has verified that. For self-signed certificates (RFC 8705 s2.2), set clientCertificate.unsafeAcceptUnauthorizedCertificates.'
        : "Give the TLS server the certificates of the clients' authorities (ca). For self-signed certificates (RFC 8705 s2.2), set clientCertificate.unsafeAcceptUnauthorizedCertificates.",
    ),
  },
  bound_token_as_bearer: {
    summary: 'The token is bound to a key (DPoP), and came as a bearer token.',
    remedy:
      'Send "Authorization: DPoP <access token>" and a proof in the header DPoP. A client that did not ask for DPoP should not have such a token: find out where it got it from.',
  },
  unbound_token: {
    summary: 'The token is not bound to its sender as it must be.',
    remedy: 'Have the client send a DPoP proof to the token endpoint, or use its certificate there, so that the authorization server binds the token.',
    refine: withCause('The token is not bound to its sender as it must be', (cause) => UNBOUND_REMEDIES.get(cause)),
  },
  missing_proof: {
    summary: 'The token is bound to a key, and the request has no DPoP proof.',
    remedy: 'Send a proof in the header DPoP, a new one for each request. If the client sends it, check proxies on the way: they may drop the header.',
  },
  invalid_proof: {
    summary: 'The DPoP proof of the request is not valid.',
    remedy:
      'Compare the proof with RFC 9449 s4.2, or use a library for DPoP in the client. https://tokenward.github.io/tokenward/guides/dpop/ lists what each cause means.',
    refine: withCause('The DPoP proof of the request is not valid', proofRemedy),
  },
  replayed_proof: {
    summary: 'The DPoP proof was used before.',
    remedy: 'Have the client create a new proof for each request, also when it repeats one. If it does, somebody repeats its requests: find out who.',
  },
  nonce_required: {
    summary: 'The DPoP proof has no nonce of this guard, or an old one.',
    remedy:
      'Nothing is wrong if the client then repeats the request with the nonce of the answer (header DPoP-Nonce). In a fleet, give every process the same dpop.nonceSecret. Pages of another origin can read the header only if CORS exposes it.',
  },
  revoked: {
    summary: 'The token was revoked.',
    remedy: 'Have the client fetch a new token. The event tokenward:revoked reports each revocation, with its kind and reason.',
    refine: withCause('The token was revoked', (cause) =>
      cause.includes(WITHOUT_ISSUED_AT)
        ? 'Configure the issuer to write iat into its tokens: without it, new tokens look like revoked ones. Until then, give revoke() an until, or revoke by tokenId (https://tokenward.github.io/tokenward/guides/revocation/#tokens-without-iat).'
        : undefined,
    ),
  },
  insufficient_scope: {
    summary: 'The token does not have the scopes that the route needs.',
    remedy: 'Have the client ask for these scopes, and check that the user and the client may have them. If the scopes are in another claim, set scopesClaim.',
    refine: withCause('The token does not have the scopes that the route needs'),
  },
  insufficient_role: {
    summary: 'The token does not have the roles that the route needs.',
    remedy:
      'Check which roles the user has, and whether rolesClaim names the claim in which this issuer writes them: a name, an array as a path, or a function.',
    refine: withCause('The token does not have the roles that the route needs'),
  },
  insufficient_claim: {
    summary: 'A claim does not have the value that the route needs.',
    remedy: 'Check what the issuer writes into the claim, and what the policy requires.',
    refine: withCause('A claim does not have the value that the route needs'),
  },
  policy_refused: {
    summary: 'A policy of the route refused the request.',
    remedy: 'Check the policy: a predicate admits only by returning true, synchronously. Anything else refuses, also an exception or a promise.',
    refine: withCause('A policy of the route refused the request', (cause) => (cause.includes(NO_COMMON_LOGIN) ? CONTRADICTION_REMEDY : undefined)),
  },
  unlisted_tool: {
    summary: 'The request calls a tool that toolPolicies does not list.',
    remedy: 'List what the tool requires, under its exact name, or set otherTools to what all other tools require. No scope opens a tool that is not listed.',
  },
  malformed_message: {
    summary: 'The body of the request is not a JSON-RPC message that the guard can read.',
    remedy:
      'Put the body parser before the guard that has toolPolicies, or set the option body to a function that returns the parsed body. If the body is parsed, correct what the client sends.',
    refine: withCause('The body of the request is not a JSON-RPC message that the guard can read'),
  },
  weak_authentication: {
    summary: 'The login was not strong enough ("acr").',
    remedy: 'Have the client send the user to a login with the acr_values of the challenge (RFC 9470).',
    refine: withCause('The login was not strong enough'),
  },
  stale_authentication: {
    summary: 'The login was too long ago, or the token does not say when it was ("auth_time").',
    remedy: 'Have the client send the user to a new login with the max_age of the challenge (RFC 9470).',
    refine: withCause('The login was too long ago, or the token does not say when it was'),
  },
  keys_unavailable: {
    summary: "The issuer's keys cannot be fetched, and no cached key can verify this token.",
    remedy: 'Check that this machine can reach the address, and that issuer, metadataUrl or jwksUri is right. guard.health() shows the last error.',
    refine: withCause("The issuer's keys cannot be fetched, and no cached key can verify this token"),
  },
  issuer_unavailable: {
    summary: 'The issuers function failed or took too long.',
    remedy: 'Check the issuers function that you gave to the guard, and the service that it calls.',
    // the cause begins with "the issuers function failed"
    refine: ({ cause }) => (cause ? { summary: `${cause[0]!.toUpperCase()}${cause.slice(1)}.` } : {}),
  },
  revocations_unavailable: {
    summary: 'The store of revocations cannot be read, so nobody knows whether the token was revoked.',
    remedy: 'Check the store: guard.health().revocations shows the last error. The guard recovers by itself when the store is back.',
    refine: withCause('The store of revocations cannot be read, so nobody knows whether the token was revoked'),
  },
  inactive_token: {
    summary: 'The issuer says that the token is not active: it expired, was revoked, or is not one of its tokens.',
    remedy:
      "Have the client fetch a new token. If it is new, check that it comes from this issuer, and that the issuer lets this API's client introspect it: many answer that tokens for other APIs are not active.",
  },
  introspection_unavailable: {
    summary: 'The issuer cannot be asked about the token.',
    remedy:
      'Check that this machine can reach the introspection endpoint, and that the issuer accepts the credentials in introspection. guard.health().introspection shows the last error.',
    refine: withCause('The issuer cannot be asked about the token'),
  },
  decryption_unavailable: {
    summary: 'The token is encrypted, and too many tokens wait to be decrypted.',
    remedy:
      'Look for a client that sends many different encrypted tokens, and limit its requests. If all of them are valid, raise tokenCache, or add processes. guard.health().decryption shows how many wait.',
    refine: withCause('The encrypted token cannot be decrypted now'),
  },
  replays_unavailable: {
    summary: 'The store of used DPoP proofs cannot be asked or is full, so nobody knows whether the proof was used before.',
    remedy:
      'Check the store in dpop.replays. For the memory of this process, raise dpop.maxReplays, or lower dpop.maxProofAgeSeconds. If one subject has used its share, look for a client that sends too many requests.',
    refine: withCause('The store of used DPoP proofs cannot be asked or is full, so nobody knows whether the proof was used before'),
  },
  session_unavailable: {
    summary: 'The session of the request cannot be read, or its access token cannot be refreshed.',
    remedy:
      'Check the session store and the authorization server: health() of the browser session shows the last error. The session continues when they are back.',
    refine: withCause('The session of the request cannot be read, or its access token cannot be refreshed'),
  },
};

/** @param remedyFor returns a more exact remedy, if there is one for the cause */
function withCause(summary: string, remedyFor?: (cause: string) => string | undefined): Text['refine'] {
  return ({ cause }) => (cause ? { summary: `${summary}: ${cause}.`, remedy: remedyFor?.(cause) } : {});
}

/** What a claims schema refused begins with the name of its option. */
function invalidClaim(cause: string): string {
  return cause.startsWith('claims: ')
    ? `The claims schema refused the token: ${cause.slice('claims: '.length)}.`
    : `The claim ${cause} has a value or a type that is not accepted.`;
}

/** Returns a more exact remedy for the causes that operators can do something about. */
function proofRemedy(cause: string): string | undefined {
  // the proof itself is malformed
  if (cause.includes('is missing')) return undefined;
  if (cause.includes('origin')) return 'Set publicOrigin to the origin that clients use. Without it, the request must name one valid host.';
  if (cause.includes('htu'))
    return 'Clients write the address that they call into htu. If a proxy changes scheme, host or port, set publicOrigin, or have the framework trust the proxy. A proxy must not change the path.';
  if (cause.includes('iat'))
    return 'Have the client create a new proof for each request, and compare its clock with that of this machine. dpop.maxProofAgeSeconds and dpop.clockSkewSeconds widen the window.';
  return undefined;
}

/** Returns the difference of two clocks from a cause of access-token/token-time.ts. */
function secondsIn(cause: string | undefined): string | undefined {
  return /\b\d+(?:\.\d+)? s\b/.exec(cause ?? '')?.[0];
}

function isNothing(found: unknown): boolean {
  return found === undefined || found === null || (Array.isArray(found) && found.length === 0);
}

/** Whether a value is one of the expected ones but for the slash at its end. */
function differInSlash(expected: unknown, found: unknown): boolean {
  const names = new Set(textsIn(expected).map(withoutSlash));
  return textsIn(found).some((name) => names.has(withoutSlash(name)));
}

function textsIn(value: unknown): readonly string[] {
  return (value instanceof Set || Array.isArray(value) ? Array.from(value as Iterable<unknown>) : [value]).filter((text) => typeof text === 'string');
}

function withoutSlash(text: string): string {
  return text.replace(/\/$/, '');
}

/** Returns a more exact remedy for common mistakes. */
function issuerRemedy(expected: unknown, found: unknown): string | undefined {
  if (typeof found !== 'string') return 'The token has no readable iss. Check which token the client sends.';
  const names = textsIn(expected);
  if (differInSlash(expected, found)) {
    return 'The two differ only in the slash at the end. Write issuer exactly as the token has it.';
  }
  const withoutScheme = (text: string): string => withoutSlash(text).replace(/^https?:/, '');
  if (names.some((name) => withoutScheme(name) === withoutScheme(found))) {
    return 'The two differ only in http and https. Configure the public https address at the authorization server, and write issuer exactly as the token has it.';
  }
  const pathOf = (text: string): string | undefined => URL.parse(text)?.pathname;
  if (names.some((name) => pathOf(name) !== undefined && pathOf(name) === pathOf(found) && pathOf(found) !== '/')) {
    return 'The two differ only in the host. If that is your authorization server, set issuer to the value in the token. If its metadata is reachable only at another address (Docker, private networks), set metadataUrl to that address.';
  }
  return undefined;
}
