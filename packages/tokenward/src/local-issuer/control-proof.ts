import { createHmac } from 'node:crypto';

/**
 * Returns the proof that its sender knows the secret of the state file. The secret itself never crosses the connection: an issuer that was killed leaves its
 * state file behind, and any program may get its port.
 *
 * @param of what is sent, and the nonce of the request. An answer proves the nonce as well, so nobody can repeat an earlier one
 */
export function controlProof(secret: string, ...of: readonly ['request' | 'answer', nonce: string, subject: string, body: string]): string {
  return createHmac('sha256', secret).update(JSON.stringify(of)).digest('base64url');
}

/** The header of an answer that has its proof. */
export const PROOF_HEADER = 'tokenward-proof';

/** The size of a request's body. The issuer must read it before it knows who sent it. */
export const MAX_REQUEST_BYTES = 64 * 1024;
