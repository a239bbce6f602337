import { generateKeyPairSync } from 'node:crypto';
import { base64url } from '@tokenward/testing';
import type { Stage } from './stage.js';

/** Makes a symptom of one token and the options of the guard. */
const sends =
  (wanted: Parameters<Stage['token']>[0], options: Parameters<Stage['ask']>[0]['options'] = {}) =>
  async ({ ask, token }: Stage) =>
    ask({ options, bearer: await token(wanted) });

const nowSeconds = ({ clock }: Stage): number => clock.now() / 1000;

/** Tokens that are malformed, or signed by nobody whom the guard knows. */
export const FORMS_AND_KEYS = {
  token_too_large: sends({ claims: { groups: Array.from({ length: 50 }, (_group, at) => `group-${at}`) } }, { maxTokenBytes: 512 }),
  malformed_token: ({ ask }: Stage) => ask({ bearer: '2YotnFZFEjr1zCsicMWpAA' }),
  encrypted_token: ({ ask }: Stage) => ask({ bearer: `${base64url('{"alg":"RSA-OAEP-256","enc":"A256GCM"}')}.AAAA.AAAA.AAAA.AAAA` }),
  unencrypted_token: sends({}, { decryptionKeys: { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }, encryptedTokens: { required: true } }),
  unsupported_critical_header: sends({ header: { crit: ['exp'] } }),
  wrong_type: sends({ header: { typ: 'logout+jwt' } }),
  not_an_access_token: sends({ header: { typ: 'JWT' }, claims: { nonce: 'n-0S6_WzA2Mj', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng', scope: undefined } }),
  algorithm_not_allowed: sends({ algorithm: 'HS256' }, { algorithms: ['RS256', 'ES256'] }),
  unknown_key: sends({ header: { kid: 'key-of-last-year' } }),
  bad_signature: async ({ ask, token }: Stage) => {
    const [one, other] = [(await token()).split('.'), (await token({ subject: 'somebody-else' })).split('.')];
    await ask({ bearer: [one[0], other[1], one[2]].join('.') });
  },
};

/** Tokens whose claims do not meet the options. */
export const CLAIMS = {
  issuer_mismatch: sends({ claims: { iss: 'https://login.staging.example.com' } }),
  audience_mismatch: sends({ audience: 'https://orders.example.com' }),
  client_not_allowed: sends({ clientId: 'batch-job' }, { allowedClients: ['web-app', 'mobile-app'] }),
  missing_claim: sends({}, { requiredClaims: ['tenant'] }),
  invalid_claim: sends({ claims: { env: 'test' } }, { requiredValues: { env: 'live' } }),
  expired: sends({ lifetimeSeconds: -3600 }),
  not_yet_valid: async (stage: Stage) => sends({ claims: { nbf: nowSeconds(stage) + 600 } })(stage),
  issued_in_the_future: async (stage: Stage) => sends({ claims: { iat: nowSeconds(stage) + 600, exp: nowSeconds(stage) + 1200 } })(stage),
  too_old: async (stage: Stage) => sends({ claims: { iat: nowSeconds(stage) - 7200 } }, { maxTokenAgeSeconds: 3600 })(stage),
  lifetime_too_long: sends({ lifetimeSeconds: 86_400 }, { maxTokenLifetimeSeconds: 3600 }),
  revoked: async ({ ask, token }: Stage) =>
    ask({
      bearer: await token({ claims: { sid: 'session-1' } }),
      before: async (guard) => void (await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' })),
    }),
  inactive_token: async ({ ask, issuer }: Stage) => {
    const bearer = issuer.issueOpaqueToken();
    issuer.revokeToken(bearer);
    await ask({ options: { introspection: issuer.introspectionClient }, bearer });
  },
};
