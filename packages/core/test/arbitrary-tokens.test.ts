import fc from 'fast-check';
import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { createResourceGuard, type Algorithm, type Decision, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, createTestClock, createTestIssuer, generatePrivateKey, type SigningKey } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { tokens } from './token-generators.js';
import { RULES, rulesAgainst } from './why-stricter.js';

const SEED = 20_261_124;
const RUNS = Math.max(5000, Number(process.env['TOKENWARD_RUNS'] ?? 0));

const MACS = ['HS256', 'HS384', 'HS512'] as const;
const POST_QUANTUM = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const;
const hasPostQuantum = await generatePrivateKey('ML-DSA-44').then(
  () => true,
  () => false,
);
const CLASSIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
const algorithms: readonly Algorithm[] = hasPostQuantum ? [...CLASSIC, ...POST_QUANTUM] : CLASSIC;

const now = Math.floor(Date.now() / 1000);
const clock = createTestClock(now * 1000);
const issuer = await createTestIssuer({ clock });
await issuer.close();
const [keys, strangers] = [await keysOf(''), await keysOf('strange-')];
const secret = keys.at(-1)!.privateKey;
// EdDSA and Ed25519 share one key, which is published once and without alg
const published = keys.filter(({ algorithm, privateKey }) => privateKey.type === 'private' && algorithm !== 'Ed25519');
const jwks = { keys: published.map(({ publicJwk }) => publicJwk) };

/** Two guards, each with jose under the same settings. */
const sides = [
  sideOf(createResourceGuard({ ...identity(), jwks }), createLocalJWKSet(jwks), algorithms),
  sideOf(createResourceGuard({ ...identity(), sharedSecrets: secret.export(), algorithms: MACS }), async () => secret.export(), MACS),
];

const claims = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', jti: 'j', iat: now, exp: now + 3600, scope: 'a b' };

test(
  `rule 19: decides on ${RUNS} arbitrary tokens, allows none that jose refuses, and a rule explains each one that only jose accepts`,
  { timeout: 3_600_000 },
  async ({ annotate }) => {
    const count = { allowed: 0, stricter: 0, refused: 0 };
    const byRule = new Map<number, number>();
    const allowedBy = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(tokens({ keys, strangers, claims }), async (token) => {
        for (const { decide, oracle } of sides) {
          const decision = await decide(token);
          const accepted = await oracle(token);
          if (decision.outcome === 'allow') {
            expect(accepted).toBe(true);
            allowedBy.add(headerOf(token)['alg']);
            count.allowed++;
          } else if (accepted) {
            const rules = rulesAgainst(token, decision, now);
            if (rules.length === 0) throw new Error(`jose alone accepts it, and ${decision.reason} (${String(decision.cause)}) explains nothing`);
            for (const rule of rules) byRule.set(rule, (byRule.get(rule) ?? 0) + 1);
            count.stricter++;
          } else count.refused++;
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    await annotate(JSON.stringify({ ...count, byRule: Object.fromEntries([...byRule].sort(([one], [other]) => one - other)) }));
    // the generators must reach every outcome, or the comparison shows nothing
    expect(count.allowed).toBeGreaterThan(RUNS / 10);
    expect(count.stricter).toBeGreaterThan(RUNS / 20);
    expect(count.refused).toBeGreaterThan(RUNS);
    expect(allowedBy).toEqual(new Set([...algorithms, ...MACS]));
    expect([...RULES].filter((rule) => !byRule.has(rule))).toEqual([]);
  },
);

interface Side {
  decide(token: string): Promise<Decision>;
  oracle(token: string): Promise<boolean>;
}

function sideOf(guard: ResourceGuard, getKey: JWTVerifyGetKey, allowed: readonly string[]): Side {
  const options: JWTVerifyOptions = {
    issuer: issuer.issuer,
    audience: issuer.audience,
    clockTolerance: 30,
    algorithms: [...allowed],
    currentDate: new Date(now * 1000),
  };
  return {
    async decide(token) {
      const ask = () => guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
      const decision = ask();
      expect(decision).not.toBeInstanceOf(Promise);
      // the second decision may come from the cache, and must be the same
      const { outcome } = await decision;
      expect(['allow', 'deny']).toContain(outcome);
      expect((await ask()).outcome).toBe(outcome);
      return decision;
    },
    oracle: (token) =>
      jwtVerify(token, withoutNullKeyId(getKey), options).then(
        () => true,
        // rule 168: jose refuses nbf: null, and we treat null as absent
        (error: unknown) => error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf' && error.payload.nbf === null,
      ),
  };
}

/** Rule 168: to jose no key has the `kid` null, and we treat null as absent. */
function withoutNullKeyId(getKey: JWTVerifyGetKey): JWTVerifyGetKey {
  return (header, jws) => getKey((header.kid as unknown) === null ? (({ kid: _kid, ...others }) => others)(header) : header, jws);
}

function identity(): { readonly issuer: string; readonly audience: string; readonly clockSkewSeconds: number; readonly clock: typeof clock } {
  return { issuer: issuer.issuer, audience: issuer.audience, clockSkewSeconds: 30, clock };
}

/** Creates a key for each algorithm name. Some names share a key. */
async function keysOf(prefix: string): Promise<SigningKey[]> {
  const [rsa, ed25519, secret] = [await generatePrivateKey('RS256'), await generatePrivateKey('EdDSA'), await generatePrivateKey('HS512')];
  return Promise.all(
    [...algorithms, ...MACS].map(async (algorithm) => {
      if (algorithm.startsWith('Ed')) return asSigningKey(algorithm, ed25519, `${prefix}ed25519`, { alg: undefined });
      const shared = algorithm.startsWith('HS') ? secret : /^[RP]S/.test(algorithm) ? rsa : undefined;
      return asSigningKey(algorithm, shared ?? (await generatePrivateKey(algorithm)), prefix + algorithm);
    }),
  );
}

function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString()) as Record<string, unknown>;
}
