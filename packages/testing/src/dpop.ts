import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import type { Algorithm, Clock } from '@tokenward/core';
import { systemClock } from '@tokenward/core/adapter';
import { base64url, compactJws } from './compact-jws.js';
import { generatePrivateKey, signBytes, type PublicJwk } from './signing-key.js';

export interface DpopClientOptions {
  /** The algorithm of the client's key. Default: ES256. */
  readonly algorithm?: Algorithm | undefined;
  /** The private key. Default: a new one. */
  readonly privateKey?: KeyObject | undefined;
  /** The clock for `iat`. Default: the system's clock. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

/** The request that a proof is for. */
export interface ProvenRequest {
  /** `htm`. Default: `GET`. */
  readonly method?: string | undefined;
  /** The address that the client calls. `htu` is the address without query and fragment. */
  readonly url: string;
  /** `nonce`: the `DPoP-Nonce` of an earlier answer. Default: none. */
  readonly nonce?: string | undefined;
  /** Header members to add or replace. `undefined` leaves one out. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** Claims to add or replace. `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A client with a key of its own, for tokens that are bound to it (DPoP, RFC 9449). */
export interface DpopClient {
  readonly publicJwk: PublicJwk;
  /** The thumbprint of the key (RFC 7638). */
  readonly thumbprint: string;
  /** Claims that bind a token to the key: `issuer.issueToken({ claims: client.claims })`. */
  readonly claims: { readonly cnf: { readonly jkt: string } };
  /** Creates a proof for one request with a token. */
  createProof(request: ProvenRequest, token: string): string;
  /** Returns the headers of one request with a token: `authorization` and `dpop`. Each call creates a new proof. */
  authorizationHeaders(request: ProvenRequest, token: string): { readonly authorization: string; readonly dpop: string };
}

/**
 * Creates a client for tests of APIs with DPoP.
 *
 * @example
 * const client = await createDpopClient();
 * const token = await issuer.issueToken({ scopes: ['orders:read'], claims: client.claims });
 * const url = `${origin}/orders`;
 * await fetch(url, { headers: client.authorizationHeaders({ url }, token) });
 */
export async function createDpopClient({ algorithm = 'ES256', privateKey, clock = systemClock }: DpopClientOptions = {}): Promise<DpopClient> {
  const key = privateKey ?? (await generatePrivateKey(algorithm));
  const publicJwk: PublicJwk = createPublicKey(key).export({ format: 'jwk' });
  const thumbprint = thumbprintOf(publicJwk);

  function createProof({ method = 'GET', url, nonce, header, claims }: ProvenRequest, token: string): string {
    const head = { alg: algorithm, typ: 'dpop+jwt', jwk: publicJwk, ...header };
    const body = {
      jti: randomUUID(),
      htm: method,
      htu: url.split(/[?#]/, 1)[0],
      iat: Math.floor(clock.now() / 1000),
      ath: createHash('sha256').update(token).digest('base64url'),
      nonce,
      ...claims,
    };
    return compactJws(base64url(JSON.stringify(head)), base64url(JSON.stringify(body)), (signed) => signBytes(algorithm, key, signed));
  }

  return Object.freeze({
    publicJwk,
    thumbprint,
    claims: Object.freeze({ cnf: Object.freeze({ jkt: thumbprint }) }),
    createProof,
    authorizationHeaders: (request: ProvenRequest, token: string) => ({ authorization: `DPoP ${token}`, dpop: createProof(request, token) }),
  });
}

/** RFC 7638 s3: the required members alone, sorted by their names. */
function thumbprintOf({ crv, e, kty, n, x, y }: PublicJwk): string {
  return createHash('sha256').update(JSON.stringify({ crv, e, kty, n, x, y })).digest('base64url');
}
