import { readFileSync } from 'node:fs';
import * as common from '@nestjs/common';
import { transformSync } from 'esbuild';
import { expect, onTestFinished, test, vi } from 'vitest';
import * as nestjs from '@tokenward/nestjs';
import { createWorld } from './app.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, recipe = ''] = /## Health and readiness\n.*?```ts\n(.*?)```/s.exec(readme) ?? [];

/** The controller of the README, to the letter. */
function readyController(): common.Type {
  const { code } = transformSync(recipe, { loader: 'ts', format: 'cjs', tsconfigRaw: { compilerOptions: { experimentalDecorators: true } } });
  const modules: Record<string, unknown> = { '@nestjs/common': common, '@tokenward/nestjs': nestjs };
  // eslint-disable-next-line typescript/no-implied-eval -- to the letter
  return new Function('require', `${code}\nreturn ReadyController;`)((name: string) => modules[name]) as common.Type;
}

test.each(['express', 'fastify'] as const)('rule 169: /ready, as the README shows it, recovers with the issuer, on %s', async (platform) => {
  const world = await createWorld();
  onTestFinished(() => world.close());
  world.issuer.misbehave('error');
  const { app, ask } = await world.start({ platform, controllers: [readyController()] });
  await expect(app.get<nestjs.NestGuard>(nestjs.guardToken()).warm()).rejects.toThrow();
  expect((await ask({ path: '/ready' })).status).toBe(503);
  world.issuer.behave();
  await vi.waitFor(async () => expect((await ask({ path: '/ready' })).status).toBe(200), { timeout: 10_000, interval: 100 });
});
