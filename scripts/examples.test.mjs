import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

test('the examples of all frameworks read the same settings', () => {
  const files = globSync('examples/{express,fastify,fetch,hono,koa,nestjs,nestjs-fastify}/settings.ts', { cwd: root });
  expect(files).toHaveLength(7);
  expect(new Set(files.map((file) => readFileSync(join(root, file), 'utf8')))).toHaveProperty('size', 1);
});
