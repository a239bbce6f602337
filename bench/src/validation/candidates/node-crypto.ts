import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { readFresh, type Algorithm, type Attempt, type TokenBytes, type ValidationCandidate } from '../candidate.ts';
import { derOf } from '../der.ts';

/**
 * The floor: the signature check alone, on decoded bytes in the form that OpenSSL takes, with an imported key. Every validator does at least this.
 */
export const nodeCrypto: ValidationCandidate = {
  name: 'node:crypto verify (floor)',
  inFlight: 1,
  tokens: 'new',
  examines: 'signature',
  prepare({ algorithm, jwks }) {
    const key = createPublicKey({ key: jwks.keys[0] as JsonWebKey, format: 'jwk' });
    const hash = HASHES[algorithm];
    // decoded once, so that the garbage of decoding does not count
    const attempts = new Map<TokenBytes, Attempt>();
    return (bytes) => {
      let attempt = attempts.get(bytes);
      if (!attempt) {
        const text = readFresh(bytes.token);
        const end = text.lastIndexOf('.');
        const signed = Buffer.from(text.slice(0, end), 'latin1');
        const raw = Buffer.from(text.slice(end + 1), 'base64url');
        const signature = algorithm === 'ES256' ? derOf(raw) : raw;
        attempt = () => verify(hash, signed, key, signature);
        attempts.set(bytes, attempt);
      }
      return attempt;
    };
  },
};

const HASHES: Readonly<Record<Algorithm, string | null>> = { RS256: 'sha256', ES256: 'sha256', EdDSA: null };
