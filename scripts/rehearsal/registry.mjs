import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';

const START_TIMEOUT_MS = 30_000;
const UPLINK_TIMEOUT_MS = 45_000;
const CONFIGURATION_TIMEOUT_SECONDS = 30;

/**
 * Starts a registry on loopback. It stores published packages in `folder` and fetches all others from the registry in the npm configuration.
 */
export async function startRegistry(root, folder) {
  const {
    registry,
    cafile,
    'https-proxy': proxy,
  } = JSON.parse(await command('npm', ['config', 'list', '--json'], { cwd: root, timeoutSeconds: CONFIGURATION_TIMEOUT_SECONDS }));
  mkdirSync(folder);
  const log = openSync(join(folder, 'log'), 'a');
  const server = fork(fileURLToPath(new URL('registry-process.mjs', import.meta.url)), [JSON.stringify(configuration(folder, registry, proxy))], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, ...(cafile ? { NODE_EXTRA_CA_CERTS: cafile } : {}) },
  });
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the registry did not start within ${START_TIMEOUT_MS / 1000} s`)), START_TIMEOUT_MS);
    server.once('message', (message) => (clearTimeout(timer), resolve(message.port)));
    server.once('exit', (code) => (clearTimeout(timer), reject(new Error(`the registry exited with ${code}; its log is ${join(folder, 'log')}`))));
  });
  const url = `http://127.0.0.1:${port}/`;
  const stop = () => server.kill('SIGKILL');
  try {
    await requireUplink(url);
    return { url, token: await register(url), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Creates the account that publishes. It is deleted with the registry's folder. */
async function register(url) {
  const response = await fetch(`${url}-/user/org.couchdb.user:rehearsal`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'rehearsal', password: randomBytes(16).toString('hex') }),
    signal: AbortSignal.timeout(START_TIMEOUT_MS),
  });
  const { token } = await response.json();
  if (!token) throw new Error(`the registry created no account (status ${response.status})`);
  return token;
}

/** Checks that the configured registry answers. Otherwise later steps would fail with less clear messages. */
async function requireUplink(url) {
  try {
    const response = await fetch(`${url}express`, { signal: AbortSignal.timeout(UPLINK_TIMEOUT_MS) });
    await response.body?.cancel();
    if (response.ok) return;
  } catch {
    // reported below
  }
  throw new Error(
    'The registry in your npm configuration does not answer, so the dependencies of the packages cannot be installed. ' +
      'Check the network, a proxy and the registry setting, then run this again.',
  );
}

function configuration(folder, uplink, proxy) {
  return {
    configPath: join(folder, 'config.json'),
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    // each package is looked up once for the whole rehearsal
    uplinks: { configured: { url: uplink, timeout: '15s', maxage: '60m', max_fails: 10, ...(proxy ? { https_proxy: proxy } : {}) } },
    packages: {
      '@tokenward/*': { access: '$all', publish: '$authenticated' },
      tokenward: { access: '$all', publish: '$authenticated' },
      '**': { access: '$all', proxy: 'configured' },
    },
    web: { enable: false },
    max_body_size: '50mb',
    log: { type: 'stdout', format: 'pretty', level: 'warn' },
  };
}
