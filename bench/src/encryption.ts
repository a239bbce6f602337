import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createResourceGuard, type DecryptionKeyOption, type Jwks, type ProtectedRequest, type ResourceGuard } from '@tokenward/core';
import { CompactEncrypt } from 'jose';
import { summarise, type Figures } from './figures.ts';
import { collectYoungGarbage } from './garbage.ts';
import { createMeter } from './meter.ts';
import type { Random } from './random.ts';
import { runInterleaved, type Contender, type Rounds } from './rounds.ts';
import { readFresh, type TokenBytes } from './validation/candidate.ts';
import { createTokenPool } from './validation/tokens.ts';

export interface EncryptionPlan {
  readonly rounds: Rounds;
  /** Checks by each contender in each round. */
  readonly sliceSize: number;
  readonly tokens: number;
}

const PLAIN = 'a new token, not encrypted';

/** Measures one check of an encrypted token beside that of the same token as it is, known and new. The signature is RS256. */
export async function measureEncryption(plan: EncryptionPlan, random: Random): Promise<readonly Figures[]> {
  const { tokens, setting } = await createTokenPool('RS256', plan.tokens);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const decryptionKeys: readonly DecryptionKeyOption[] = [
    { key: rsa, kid: 'rsa' },
    { key: ec, kid: 'ec' },
  ];

  function guardWith(options: { readonly tokenCache?: false; readonly decryptionKeys?: readonly DecryptionKeyOption[] }): ResourceGuard {
    const { issuer, audience, jwks } = setting;
    return createResourceGuard({ issuer, audience, jwks: jwks as unknown as Jwks, ...options });
  }

  async function encrypted(alg: string, kid: string, key: KeyObject): Promise<TokenBytes[]> {
    return Promise.all(
      tokens.map(async ({ token }) => {
        const text = await new CompactEncrypt(token).setProtectedHeader({ alg, enc: 'A256GCM', kid, cty: 'JWT' }).encrypt(createPublicKey(key));
        const field = Buffer.from(`Bearer ${text}`, 'latin1');
        return { field, token: field.subarray('Bearer '.length) };
      }),
    );
  }

  const [byRsa, byEc] = [await encrypted('RSA-OAEP-256', 'rsa', rsa), await encrypted('ECDH-ES', 'ec', ec)];
  const [anew, decrypting] = [guardWith({ tokenCache: false }), guardWith({ tokenCache: false, decryptionKeys })];
  const contenders = [
    contenderOf(PLAIN, anew, tokens, plan),
    contenderOf('a new token, not encrypted, by a guard with decryptionKeys', decrypting, tokens, plan),
    contenderOf('a new token, RSA-OAEP-256 with 2048 bits', decrypting, byRsa, plan),
    contenderOf('a new token, ECDH-ES with P-256', decrypting, byEc, plan),
    contenderOf('a known token, not encrypted', guardWith({}), tokens, plan),
    contenderOf('a known token, RSA-OAEP-256', guardWith({ decryptionKeys }), byRsa, plan),
  ];
  return summarise(await runInterleaved(contenders, plan.rounds, random), PLAIN);
}

function contenderOf(name: string, guard: ResourceGuard, tokens: readonly TokenBytes[], { sliceSize }: EncryptionPlan): Contender {
  return {
    name,
    async runSlice() {
      collectYoungGarbage();
      const requests = Array.from({ length: sliceSize }, (_request, at): ProtectedRequest => {
        return { method: 'GET', target: '/orders', headers: { authorization: readFresh(tokens[at % tokens.length]!.field) } };
      });
      const meter = createMeter();
      meter.start();
      for (const request of requests) {
        const decision = guard.check(request);
        const { outcome } = decision instanceof Promise ? await decision : decision;
        if (outcome !== 'allow') throw new Error(`${name}: a valid token was refused while measuring`);
      }
      collectYoungGarbage();
      meter.stop();
      return meter.per(sliceSize);
    },
  };
}
