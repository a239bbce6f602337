import { match, strictEqual } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closeServer, openPorts } from '../../full-flow/listen.ts';
import { startWebApp } from '../../full-flow/web-app.ts';
import type { Tally } from './tally.ts';

const SECRET = 'a-secret-of-more-than-32-characters-for-a-check';

/** How the app starts and ends. */
export async function checkStart({ check }: Tally): Promise<void> {
  await check('starts although the issuer is down, prints one line, and ends within 2 s', async () => {
    const [issuer, app] = await openPorts(['nothing', 'the web app']);
    await Promise.all([closeServer(issuer.server), closeServer(app.server)]);
    const common = { clientId: 'orders-web', clientSecret: 'secret', audience: 'https://orders.example.com', sessionSecret: SECRET };
    // what it reports on stderr is expected, and is not shown
    const webApp = await startWebApp({ ...common, issuer: issuer.origin, origin: app.origin, errors: 'ignore' });
    strictEqual((await fetch(`${app.origin}/`)).status, 200);
    const response = await fetch(`${app.origin}/session/user`, { headers: { 'x-tokenward-csrf': '1' } });
    strictEqual(await response.text(), '{"user":null}');
    strictEqual((await fetch(`${app.origin}/session/login`, { redirect: 'manual' })).status, 503);
    strictEqual(await webApp.stop(), 0, 'the exit code');
    strictEqual(webApp.output(), `listening on ${app.origin}\n`);
  });

  const wrong: readonly (readonly [NodeJS.ProcessEnv, RegExp])[] = [
    [{ CLIENT_ID: '' }, /^CLIENT_ID must be set\. .*\n$/],
    [{ PORT: 'http' }, /^PORT must be a number from 0 to 65535 \(got "http"\)\.\n$/],
    [{ SESSION_MODE: 'spa' }, /^SESSION_MODE must be bff or token-mediating \(got "spa"\)\.\n$/],
    [{ SESSION_SECRET: 'short' }, /createBrowserSession\(\)\.secrets/],
    [{ ORIGIN: 'http://app.example.com' }, /createBrowserSession\(\)\.origin: must use https/],
  ];
  for (const [environment, expected] of wrong) {
    await check(`says what is wrong with ${Object.keys(environment)[0]}`, async () => {
      const { code, errors } = await run(environment);
      strictEqual(code, 1);
      match(errors, expected);
      strictEqual(/\n\s+at /.test(errors), false, 'a stack is printed');
      strictEqual(errors.includes('short'), false, 'a secret is printed');
    });
  }
}

async function run(environment: NodeJS.ProcessEnv): Promise<{ readonly code: number | null; readonly errors: string }> {
  const good = {
    ISSUER_BASE_URL: 'http://127.0.0.1:9',
    CLIENT_ID: 'a',
    CLIENT_SECRET: 'b',
    AUDIENCE: 'urn:api',
    ORIGIN: 'http://127.0.0.1:9',
    SESSION_SECRET: SECRET,
    PORT: '0',
  };
  const program = fileURLToPath(new URL('../server.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...good, ...environment }, stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000 });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, errors };
}
