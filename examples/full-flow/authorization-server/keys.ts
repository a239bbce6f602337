import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** A private key as a JWK, named by its thumbprint (RFC 7638). It never leaves this process: only public members are published. */
export type SigningKey = JWK & { readonly kid: string };

export async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: (await calculateJwkThumbprint(jwk)).slice(0, 12), alg: 'RS256', use: 'sig' };
}
