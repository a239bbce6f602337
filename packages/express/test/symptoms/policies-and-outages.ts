import { generateKeyPairSync } from 'node:crypto';
import { acr, claim, maxAge, policy, role, scope, type Policy } from '@tokenward/express';
import { memoryRevocations } from '@tokenward/core';
import { nobody } from '@tokenward/core/adapter';
import { base64url } from '@tokenward/testing';
import type { Stage } from './stage.js';

const needs =
  (required: Policy, claims: Readonly<Record<string, unknown>> = {}) =>
  async ({ ask, token }: Stage) =>
    ask({ policy: required, bearer: await token({ claims }) });

/** Valid tokens that do not grant what the route needs. */
export const POLICIES = {
  insufficient_scope: needs(scope('orders:write')),
  insufficient_role: needs(role('admin'), { roles: ['user'] }),
  insufficient_claim: needs(claim('tenant', 'acme'), { tenant: 'globex' }),
  policy_refused: needs(policy('working hours', () => false)),
  unlisted_tool: needs(nobody('unlisted_tool')),
  malformed_message: needs(nobody('malformed_message', 'the body was not parsed as JSON before this guard')),
  weak_authentication: needs(acr('urn:example:mfa'), { acr: 'urn:example:password' }),
  stale_authentication: async (stage: Stage) => needs(maxAge(300), { auth_time: stage.clock.now() / 1000 - 3600 })(stage),
};

/** As many encrypted tokens as wait for decryption at once, and more. */
const FLOOD = 250;

/** What the guard depends on cannot be reached. */
export const OUTAGES = {
  keys_unavailable: async ({ ask, token, issuer }: Stage) => {
    const bearer = await token();
    await issuer.close();
    await ask({ bearer });
  },
  issuer_unavailable: async ({ ask, token }: Stage) =>
    ask({ options: { issuer: undefined, issuers: () => Promise.reject(new Error('the database is away')) }, bearer: await token() }),
  revocations_unavailable: async ({ ask, token }: Stage) => {
    const memory = memoryRevocations();
    const store = { ...memory, isCurrent: () => false, health: () => ({ ...memory.health(), usable: false, lastError: 'redis.internal:6379: ECONNREFUSED' }) };
    await ask({ options: { revocations: { store } }, bearer: await token() });
  },
  introspection_unavailable: async ({ ask, issuer }: Stage) => {
    issuer.misbehave('error', 'introspection');
    await ask({ options: { introspection: issuer.introspectionClient }, bearer: issuer.issueOpaqueToken() });
  },
  decryption_unavailable: ({ ask }: Stage) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
    const header = base64url(JSON.stringify({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT', epk: { kty, crv, x, y } }));
    const encrypted = (count: number): string => `${header}..${base64url(String(count).padStart(12, '0'))}.AAAA.${base64url('0123456789abcdef')}`;
    return ask({
      options: { decryptionKeys: { key: privateKey } },
      headers: { authorization: `Bearer ${encrypted(0)}` },
      before(guard, request) {
        for (let count = 1; count <= FLOOD; count++) {
          const other = Object.assign(Object.create(request) as typeof request, { headers: { authorization: `Bearer ${encrypted(count)}` } });
          void guard.check(other);
        }
      },
    });
  },
};
