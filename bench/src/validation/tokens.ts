import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { AUDIENCE, accessTokenClaims } from '../claims.ts';
import type { Algorithm, PublicJwk, Setting, TokenBytes } from './candidate.ts';

export interface TokenPool {
  readonly setting: Setting;
  /** All different, all valid. */
  readonly tokens: readonly TokenBytes[];
  /** What must be refused: by every candidate, and by those that check claims. */
  readonly refused: { readonly signature: readonly TokenBytes[]; readonly claims: readonly TokenBytes[] };
}

const ISSUER = 'https://login.example.com';

export async function createTokenPool(algorithm: Algorithm, size: number): Promise<TokenPool> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, algorithm === 'RS256' ? { modulusLength: 2048 } : {});
  const kid = 'signing-key-2030-01';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } as PublicJwk;

  async function sign(overrides?: Readonly<Record<string, unknown>>): Promise<TokenBytes> {
    const token = await new SignJWT(accessTokenClaims(ISSUER, overrides)).setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt' }).sign(privateKey);
    return asReceived(token);
  }

  const tokens: TokenBytes[] = [];
  while (tokens.length < size) tokens.push(await sign());
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    setting: { algorithm, issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [jwk] }, poolSize: size },
    tokens,
    refused: {
      signature: [withOtherSignature(tokens[0]!, tokens[1]!), withOtherPayload(tokens[0]!, tokens[1]!)],
      claims: [
        await sign({ aud: `${AUDIENCE}/other` }),
        await sign({ iss: `${ISSUER}/other` }),
        await sign({ iat: nowSeconds - 7200, exp: nowSeconds - 3600 }),
      ],
    },
  };
}

function asReceived(token: string): TokenBytes {
  const field = Buffer.from(`Bearer ${token}`, 'latin1');
  return { field, token: field.subarray('Bearer '.length) };
}

function withOtherSignature(of: TokenBytes, from: TokenBytes): TokenBytes {
  const [header, payload] = segmentsOf(of);
  return asReceived([header, payload, segmentsOf(from)[2]].join('.'));
}

function withOtherPayload(of: TokenBytes, from: TokenBytes): TokenBytes {
  const [header, , signature] = segmentsOf(of);
  return asReceived([header, segmentsOf(from)[1], signature].join('.'));
}

function segmentsOf({ token }: TokenBytes): string[] {
  return token.toString('latin1').split('.');
}
