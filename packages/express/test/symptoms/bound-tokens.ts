import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createDpopClient } from '@tokenward/testing';
import type { Asked, Stage } from './stage.js';

const URL_OF_REQUEST = 'https://api.example.com/orders';
const certificate = new X509Certificate(readFileSync(new URL('../../../core/test/self-signed/cert.pem', import.meta.url)));
const thumbprintOf = (der: Buffer | string): string => createHash('sha256').update(der).digest('base64url');

/** Sends a token that is bound to a key, with the headers that `headersOf` makes. */
const proves =
  (headersOf: (stage: Stage, client: Awaited<ReturnType<typeof createDpopClient>>, token: string) => Asked['headers'], more: Asked = {}) =>
  async (stage: Stage) => {
    const client = await createDpopClient({ clock: stage.clock });
    const token = await stage.token({ claims: client.claims });
    await stage.ask({ headers: headersOf(stage, client, token), ...more });
  };

/** Tokens that are bound to a key or a certificate, and come without its proof or with a wrong one. */
export const BOUND_TOKENS = {
  unproven_confirmation: async ({ ask, token }: Stage) => ask({ bearer: await token({ claims: { cnf: { kid: 'key-of-the-client' } } }) }),
  missing_certificate: async ({ ask, token }: Stage) => ask({ bearer: await token({ claims: { cnf: { 'x5t#S256': thumbprintOf(certificate.raw) } } }) }),
  wrong_certificate: async ({ ask, token }: Stage) =>
    ask({
      options: { clientCertificate: { getCertificate: () => ({ raw: certificate.raw, authorized: true }) } },
      bearer: await token({ claims: { cnf: { 'x5t#S256': thumbprintOf('another certificate') } } }),
    }),
  bound_token_as_bearer: proves((_stage, _client, token) => ({ authorization: `Bearer ${token}` })),
  unbound_token: async ({ ask, token }: Stage) => ask({ options: { senderConstraint: 'any' }, bearer: await token() }),
  missing_proof: proves((_stage, _client, token) => ({ authorization: `DPoP ${token}` })),
  invalid_proof: proves((_stage, client, token) => client.authorizationHeaders({ url: 'http://127.0.0.1:3000/orders' }, token)),
  replayed_proof: proves((_stage, client, token) => ({ ...client.authorizationHeaders({ url: URL_OF_REQUEST }, token) }), { times: 2 }),
  nonce_required: proves((_stage, client, token) => ({ ...client.authorizationHeaders({ url: URL_OF_REQUEST }, token) }), {
    options: { dpop: { nonceSecret: 'a secret of the fleet with 32 bytes' } },
  }),
  replays_unavailable: proves((_stage, client, token) => ({ ...client.authorizationHeaders({ url: URL_OF_REQUEST }, token) }), {
    options: { dpop: { replays: { add: () => Promise.reject(new Error('no connection')) } } },
  }),
};
