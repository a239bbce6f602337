import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError } from '@tokenward/express';
import { createApp } from './app.ts';
import { readSettings, SettingsError } from './settings.ts';

const WARM_MS = 5000;

try {
  await start();
} catch (error) {
  // a wrong setting is a sentence, not a stack
  if (!(error instanceof SettingsError || error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function start(): Promise<void> {
  const settings = readSettings(process.env);
  const { app, warm, close } = createApp(settings);
  let server: Server | undefined;
  process.once('SIGTERM', () => {
    server?.close();
    server?.closeAllConnections();
    void close();
    // a fetch or a connection that hangs must not delay the end
    setTimeout(() => process.exit(), 1000).unref();
  });

  // If the issuer or Redis cannot be reached, the app says so and starts anyway. Later requests try again
  const warming = warm().then((problems) => {
    for (const problem of problems) console.error(problem);
  });
  await Promise.race([warming, sleep(WARM_MS, undefined, { ref: false })]);
  const listening = app.listen(settings.port, '127.0.0.1', (error) => {
    if (error) throw error;
    console.log(`listening on http://127.0.0.1:${(listening.address() as AddressInfo).port}`);
  });
  server = listening;
}
