import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { AppSetup } from './app.js';
import type { SuiteCase } from './suite-case.js';

/** The options `onDenied`, which answers a refusal instead of the guard, and `onRefused`, which only sees it. */
export const onDeniedCases: readonly SuiteCase[] = [
  {
    name: 'onDenied gets the decision and answers instead of the guard, and no handler runs',
    async run({ start, token, handlersRun }) {
      const app = await start({ onDenied: ({ status, reason, body }) => ({ status, body: { mine: true, reason, error: body.error ?? null } }) });
      const answers = [
        [await app.ask({ path: '/me' }), { mine: true, reason: 'missing_token', error: null }],
        [await app.ask({ path: '/me', token: await token({ lifetimeSeconds: -3600 }) }), { mine: true, reason: 'expired', error: 'invalid_token' }],
        [await app.ask({ path: '/orders', token: await token() }), { mine: true, reason: 'insufficient_scope', error: 'insufficient_scope' }],
      ] as const;
      for (const [answer, body] of answers) deepStrictEqual(answer.json(), body);
      strictEqual(handlersRun(), 0);
      strictEqual((await app.ask({ path: '/me', token: await token() })).status, 200);
    },
  },
  {
    name: 'answers 500 and runs no handler if onDenied throws or rejects with any value',
    async run({ start, handlersRun }) {
      for (const thrown of [new Error('out of order'), undefined, null, '', 0, false, 'route', 'router']) {
        const ways: AppSetup['onDenied'][] = [
          () => {
            throw thrown; // eslint-disable-line typescript/only-throw-error -- users do
          },
          () => Promise.reject(thrown), // eslint-disable-line typescript/prefer-promise-reject-errors -- users do
        ];
        for (const onDenied of ways) {
          const app = await start({ onDenied });
          strictEqual((await app.ask({ path: '/me' })).status, 500, `with ${String(thrown)}`);
          strictEqual(handlersRun(), 0);
        }
      }
    },
  },
  {
    name: 'the guard answers if onDenied returns the decision, at once or later',
    async run({ start, token }) {
      const ways: AppSetup['onDenied'][] = [(decision) => decision, async (decision) => decision];
      for (const onDenied of ways) {
        const app = await start({ onDenied });
        await expectUnauthorized(await app.ask({ path: '/orders' }), { scopes: ['orders:read'] });
        await expectForbidden(await app.ask({ path: '/orders', token: await token() }), { scopes: ['orders:read'] });
      }
    },
  },
  {
    name: 'onRefused gets each refusal with its request and changes none, even if it throws',
    async run({ start, token }) {
      const seen: string[] = [];
      const app = await start({
        onRefused({ reason }, path) {
          seen.push(`${reason} ${path}`);
          throw new Error('out of order');
        },
      });
      const { emitWarning } = process;
      process.emitWarning = () => {};
      try {
        await expectUnauthorized(await app.ask({ path: '/orders' }), { scopes: ['orders:read'] });
        await expectForbidden(await app.ask({ path: '/orders', token: await token() }), { scopes: ['orders:read'] });
      } finally {
        process.emitWarning = emitWarning;
      }
      deepStrictEqual(seen, ['missing_token /orders', 'insufficient_scope /orders']);
    },
  },
];
