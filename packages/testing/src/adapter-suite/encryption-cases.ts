import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { scope, type Auth, type Deny } from '@tokenward/core';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { AppSetup } from './app.js';
import { exampleRoutes } from './example-routes.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const SECRET = randomBytes(32);

/** Encrypted access tokens: the guard's option `decryptionKeys`. */
export const encryptionCases: readonly SuiteCase[] = [
  {
    name: 'rule 16: an encrypted token gives the same Auth as the token inside, and policies apply to it',
    async run(suite) {
      const seen: (Auth | undefined)[] = [];
      const see = { method: 'GET', path: '/see', access: 'required', policies: [scope('orders:read')] } as const;
      const app = await startWith(suite, {
        routes: [
          ...exampleRoutes,
          {
            ...see,
            answer({ auth }) {
              seen.push(auth);
              return { status: 204 };
            },
          },
        ],
      });
      const plain = await suite.token({ subject: 'ada', scopes: ['orders:read'] });
      const encrypted = encrypt(plain);
      for (const token of [plain, encrypted, encrypted]) strictEqual((await app.ask({ path: '/see', token })).status, 204);
      const [first, ...others] = seen.map((auth) => Object.assign({}, auth));
      for (const other of others) deepStrictEqual(other, first);
      await expectForbidden(await app.ask({ path: '/orders', token: encrypt(await suite.token({ scopes: ['other'] })) }), { scopes: ['orders:read'] });
    },
  },
  {
    name: 'rules 16 and 242: what cannot be decrypted, or is not a signed token inside, gets 401 and runs no handler',
    async run(suite) {
      const refusals: Deny[] = [];
      const app = await startWith(suite, { onRefused: (decision) => refusals.push(decision) });
      const token = encrypt(await suite.token());
      const bad = [token.replace(/[^.]*$/, randomBytes(16).toString('base64url')), encrypt('{"sub":"ada"}'), encrypt(token), `${token}.`];
      for (const one of bad) for (const path of ['/me', '/optional']) await expectUnauthorized(await app.ask({ path, token: one }), { error: 'invalid_token' });
      deepStrictEqual(new Set(refusals.map(({ reason }) => reason)), new Set(['encrypted_token', 'malformed_token']));
      strictEqual(suite.handlersRun(), 0);
    },
  },
];

function startWith({ issuer: { issuer, audience }, start }: Suite, setup: Partial<AppSetup>): Promise<SuiteApp> {
  return start({ options: { issuer, audience, decryptionKeys: { key: createSecretKey(SECRET), algorithms: ['dir'] } }, ...setup });
}

/** Encrypts a text with the key that the guard has (RFC 7518 s4.5, s5.3). */
function encrypt(text: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })).toString('base64url');
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', SECRET, iv).setAAD(Buffer.from(header));
  const content = Buffer.concat([cipher.update(text), cipher.final()]);
  return [header, '', ...[iv, content, cipher.getAuthTag()].map((bytes) => bytes.toString('base64url'))].join('.');
}
