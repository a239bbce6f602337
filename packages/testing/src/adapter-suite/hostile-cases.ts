import { strictEqual } from 'node:assert/strict';
import { expectBadRequest, expectUnauthorized } from '../expect-refusal.js';
import { hostileTokens } from '../hostile/index.js';
import { createTestIssuer } from '../issuer.js';
import type { SuiteCase } from './suite-case.js';

/** Every hostile token, on a route that requires a token and on one that does not. */
export const hostileCases: readonly SuiteCase[] = [
  {
    name: 'rule 19: refuses every hostile token with the expected answer',
    async run({ start, handlersRun }) {
      const issuer = await createTestIssuer();
      try {
        const tokens = await hostileTokens(issuer);
        const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience } });
        for (const { rule, name, token, status } of tokens) {
          for (const path of ['/me', '/optional']) {
            const answer = await app.ask({ path, token });
            try {
              await (status === 400 ? expectBadRequest(answer) : expectUnauthorized(answer, { error: 'invalid_token' }));
            } catch (error) {
              throw new Error(`rule ${rule}: ${name}, at ${path}`, { cause: error });
            }
          }
        }
        strictEqual(handlersRun(), 0);
        // this key was published before the guard fetched its keys, like the invalid ones
        const token = await issuer.issueToken({ algorithm: 'PS256' });
        strictEqual((await app.ask({ path: '/me', token })).status, 200);
      } finally {
        await issuer.close();
      }
    },
  },
];
