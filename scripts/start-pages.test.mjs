import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestIssuer } from '@tokenward/testing';
import { transform } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplesOf } from './samples/blocks.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const AUDIENCE = 'https://api.example.com';

let issuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: AUDIENCE });
});
afterAll(() => issuer.close());

test.each(['express', 'fastify', 'koa', 'hono', 'fetch', 'nestjs'])('the program of "get started" with %s answers as the page says', async (framework) => {
  const page = readFileSync(join(root, `docs/src/content/docs/start/${framework}.md`), 'utf8');
  const app = await start(framework, samplesOf(page, framework));
  try {
    const [refusedWithout, refusedWithoutScope] = [...page.matchAll(/```http\n(.*?)\n```/gs)].map(([, block]) => block);
    const [shown] = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(([, block]) => JSON.parse(block));
    const token = (claims) => issuer.issueToken({ subject: 'ada', claims });

    expect((await ask(app.url, '/health')).status).toBe(200);
    expectShown(await ask(app.url, '/orders'), refusedWithout);
    const good = await ask(app.url, '/orders', await token({ scope: 'orders:read' }));
    expect([good.status, await good.json()]).toEqual([200, shown]);
    expectShown(await ask(app.url, '/orders', await token({})), refusedWithoutScope);
    await expect.poll(app.printed).toContain(/```text\n(.*?) \.\.\.\n```/s.exec(page)[1]);
  } finally {
    await app.stop();
  }
});

function ask(url, path, token) {
  return fetch(`${url}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}

/** Expects each line of the block in the response. The page shows only the lines that matter. */
function expectShown(response, block) {
  const [start, ...headers] = block.split('\n');
  expect(start).toBe(`HTTP/1.1 ${response.status} ${response.statusText}`);
  for (const header of headers) {
    const [name, value] = header.split(/: (.*)/s);
    expect(`${response.headers.get(name)}, `).toContain(`${value}, `);
  }
}

async function start(framework, samples) {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-start-'));
  symlinkSync(join(root, 'packages', framework === 'fetch' ? 'hono' : framework, 'node_modules'), join(folder, 'node_modules'));
  const port = await freePort();
  const blocks = framework === 'nestjs' ? samples.map(({ code }) => code) : [samples[0].code];
  const program = blocks
    .join('\n')
    .replaceAll('http://127.0.0.1:9400', issuer.issuer)
    .replaceAll('3000', String(port))
    // a package's node_modules does not have the package itself
    .replaceAll(/from '(@tokenward\/\w+)'/g, (_match, name) => `from '${join(root, 'packages', name.split('/')[1], 'dist/index.js')}'`);
  const { code } = await transform(program, { loader: 'ts', tsconfigRaw: { compilerOptions: { experimentalDecorators: true } } });
  const file = join(folder, 'server.mjs');
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], { env: { ...process.env, TOKENWARD_HINTS: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (printed += piece));
  const url = `http://localhost:${port}`;
  await expect.poll(() => fetch(`${url}/health`).then(({ status }) => status, () => printed), { timeout: 10_000 }).toBe(200); // prettier-ignore
  return {
    url,
    printed: () => printed,
    async stop() {
      child.kill();
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
