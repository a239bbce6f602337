import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createTestIssuer } from '@tokenward/testing';
import { test } from 'vitest';
import { freePort } from '../../testing/test/free-port.js';
import { closing, eventually, ownServer } from './stores.js';

test('rule 169: an Express app that started without Redis becomes ready when Redis is back, without a guarded request', async () => {
  const server = await ownServer();
  await server.kill();
  const issuer = closing(await createTestIssuer(), (issuer) => issuer.close());
  const port = await freePort();
  const env = {
    ...process.env,
    ISSUER_BASE_URL: issuer.issuer,
    AUDIENCE: Array.isArray(issuer.audience) ? issuer.audience[0] : issuer.audience,
    REDIS_URL: server.url,
    PORT: String(port),
  };
  const app = spawn(process.execPath, [fileURLToPath(new URL('../../../examples/fleet/server.ts', import.meta.url))], {
    env,
    stdio: 'ignore',
  });
  closing(app, async () => {
    if (app.exitCode !== null) return;
    app.kill('SIGKILL');
    await once(app, 'exit');
  });
  const ready = (): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ status }) => status,
      () => 0,
    );
  await eventually(async () => (await ready()) === 503, 'it is not ready without its store');
  await server.start();
  await eventually(async () => (await ready()) === 200, 'it is ready again');
});
