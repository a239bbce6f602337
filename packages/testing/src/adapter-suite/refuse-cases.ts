import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { scope } from '@tokenward/core';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { OddDenial, OddWay, SuiteRoute } from './app.js';
import { SECRET_ANSWER, showsSecret } from './secret-answer.js';
import type { SuiteCase } from './suite-case.js';

const route: SuiteRoute = { method: 'GET', path: '/x', access: 'public', policies: [scope('a')], answer: () => SECRET_ANSWER };

/** A handler that does not wait for its own refusal, or for a guard that it calls itself. The refusal is the only answer all the same. */
export function refuseCases({ name, status, body }: OddDenial, ways: readonly OddWay[]): SuiteCase[] {
  const routes: SuiteRoute[] = [
    { ...route, path: '/at-once', refuses: 'not awaited' },
    { ...route, path: '/later', refuses: 'not awaited, and answered later' },
  ];
  const careless = ways.find(({ isAwaited }) => !isAwaited);
  if (careless) routes.push({ ...route, path: '/by-a-guard', access: 'required', way: careless.name });
  return [
    {
      name: `rule 179: a refusal that is not awaited is the only answer, with ${name}`,
      async run({ start, token }) {
        const app = await start({ denial: name, routes });
        const [good, wrong] = [await token({ scopes: ['a'] }), await token({ scopes: ['b'] })];
        for (const { path, way } of routes) {
          const what = way ?? path;
          const refused = await app.ask({ path, token: wrong });
          ok(!showsSecret(refused), `${what}: ${refused.body}`);
          strictEqual(refused.status, status, what);
          if (body !== undefined) strictEqual(refused.body, body, what);
          const admitted = await app.ask({ path, token: good });
          deepStrictEqual([admitted.status, showsSecret(admitted)], [200, true], what);
        }
      },
    },
  ];
}

/** What a handler that passes a refusal to `refuse` sees. */
export const refuseByHandCases: readonly SuiteCase[] = [
  {
    name: "rule 179: a refusal of refuse() carries the guard's challenge, and getAuth knows whom check() admits",
    async run({ start, token }) {
      const [good, wrong] = [await token({ scopes: ['a'], subject: 'ada' }), await token({ scopes: ['b'] })];
      const answer: SuiteRoute['answer'] = ({ getAuth }) => ({ status: 200, body: { for: getAuth()!.subject } });
      for (const refuses of ['awaited', 'not awaited', 'not awaited, and answered later'] as const) {
        const app = await start({ routes: [{ ...route, refuses, answer }] });
        await expectUnauthorized(await app.ask({ path: '/x' }), { scopes: ['a'] });
        await expectForbidden(await app.ask({ path: '/x', token: wrong }), { scopes: ['a'] });
        deepStrictEqual((await app.ask({ path: '/x', token: good })).json(), { for: 'ada' });
      }
    },
  },
  {
    name: 'rule 179: a handler that awaits refuse() continues after the answer, and does not answer again',
    async run({ start, token, handlersRun }) {
      const steps: boolean[] = [];
      const awaiting: SuiteRoute = { ...route, refuses: 'awaited', ended: (isAnswered) => void steps.push(isAnswered) };
      const late = (): Promise<{ status: number; body: unknown }> =>
        new Promise((resolve) => setTimeout(() => resolve({ status: 403, body: { mine: true } }), 10));
      for (const onDenied of [undefined, late]) {
        const app = await start({ routes: [awaiting], onDenied });
        const refused = await app.ask({ path: '/x', token: await token({ scopes: ['b'] }) });
        strictEqual(refused.status, 403);
        if (onDenied) deepStrictEqual(refused.json(), { mine: true });
      }
      deepStrictEqual([steps, handlersRun()], [[true, true], 0]);
    },
  },
];
