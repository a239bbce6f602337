import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeServer, openPorts } from '../full-flow/listen.ts';
import { checkInBrowser } from './check/browser.ts';
import { checkOperatorPanel } from './check/operator-panel.ts';
import { checkRoutes } from './check/routes.ts';
import { checkStart } from './check/start.ts';
import { createTally } from './check/tally.ts';
import { startSystem } from './check/system.ts';

// Goes through the routes of README.md in both modes, with sessions in cookies and in Redis, against a real authorization server.
const tally = createTally();
const folder = await mkdtemp(join(tmpdir(), 'tokenward-web-app-'));
const [redisPort] = await openPorts(['Redis']);
await closeServer(redisPort.server);
const { port } = new URL(redisPort.origin);
const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' });
try {
  await checkStart(tally);
  await checkOperatorPanel(tally);
  const redisUrl = `redis://127.0.0.1:${port}`;
  for (const options of [
    { mode: 'bff', redisUrl: undefined },
    { mode: 'bff', redisUrl },
    { mode: 'token-mediating', redisUrl: undefined },
  ] as const) {
    const system = await startSystem(options);
    try {
      if (options.redisUrl === undefined) await checkInBrowser(system, tally);
      await checkRoutes(system, tally);
    } finally {
      await system.close();
    }
  }
} finally {
  redis.kill('SIGTERM');
  if (redis.exitCode === null) await once(redis, 'exit');
  await rm(folder, { recursive: true });
}
tally.finish();
