import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './run-command.js';
import { runIssuer, type RunningIssuer } from './running-issuer.js';

/** Nothing about these says that they are tokens. */
const TOKENS = [
  'sb4XkV8FzR2nQ7yLp0Wc',
  'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3',
  'c2Vj/cmV0+LXNlY3JldC1zZWNyZXQ=',
  'gho_16C7e42F292c6912E7710c838347Ae178B4a',
  'k3y-That-Nobody-May-See',
  `${'vE9'.repeat(120)}x`,
];

/** What a command compares, or writes into a file, is a part of its report. It is never a part of an error. */
const REPORTED: Readonly<Record<string, readonly string[]>> = {
  doctor: ['audience'],
  explain: ['audience', 'issuer', 'scope', 'role'],
  init: ['audience'],
};

const folder = mkdtempSync(join(tmpdir(), 'tokenward-secrets-'));
let local: RunningIssuer;
let token: string;
beforeAll(async () => {
  local = await runIssuer();
  const issuer = await createTestIssuer();
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify(issuer.jwks));
  token = await issuer.issueToken({ audience: 'orders', claims: { iss: 'https://login.example.com' } });
  await issuer.close();
  writeFileSync(join(folder, 'package.json'), '{"dependencies":{"express":"5"}}');
  writeFileSync(join(folder, 'app.js'), "const express = require('express');\nconst app = express();\n");
  writeFileSync(join(folder, 'routes.cjs'), 'exports.app = { routes: [], fetch() {}, router: { match() {} } };\n');
});
afterAll(async () => {
  await local.end();
  rmSync(folder, { recursive: true, force: true });
});

async function outputOf(args: readonly string[], stdin = token): Promise<string> {
  const { stdout, stderr } = await runCommand(args, { cwd: folder, env: local.env, stdin, signal: AbortSignal.abort() });
  return stdout + stderr;
}

/** Arguments with which a command comes to its work, so that it looks at the option that is tried. */
const COMPLETE: Readonly<Record<string, readonly string[]>> = {
  attack: ['http://127.0.0.1:1/me'],
  explain: ['--issuer', 'https://login.example.com', '--audience', 'orders', '--jwks-file', 'jwks.json'],
  doctor: ['--issuer', 'https://login.example.com', '--audience', 'orders', '--jwks-file', 'jwks.json'],
  issuer: ['--port', '0'],
  routes: ['routes.cjs'],
};

/** Leaves out what is tried: most options can be given once only. */
function completeWithout(command: string, name: string): readonly string[] {
  const all = COMPLETE[command] ?? [];
  const at = all.indexOf(`--${name}`);
  return at < 0 ? all : all.toSpliced(at, 2);
}

test('rule 300: no option and no argument of any command is repeated in an error, whatever it is', async () => {
  const commands = [...(await outputOf(['--help'])).matchAll(/^ {2}([a-z]+) {2,}\w/gm)].map(([, name]) => name!);
  expect(commands).toEqual(['doctor', 'explain', 'init', 'routes', 'issuer', 'token', 'attack']);
  for (const command of commands) {
    const help = await outputOf([command, '--help']);
    const json = help.includes('--json') ? ['--json'] : [];
    const names = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z-]+) [A-Z]/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(1);
    for (const secret of TOKENS) {
      const tried = [
        [secret],
        [...(COMPLETE[command] ?? []), secret],
        ...names.flatMap((name) =>
          REPORTED[command]?.includes(name)
            ? []
            : [
                [...completeWithout(command, name), `--${name}=${secret}`, ...json],
                [...completeWithout(command, name), `--${name}`, secret],
              ],
        ),
      ];
      for (const args of tried) expect(await outputOf([command, ...args]), args.join(' ')).not.toContain(secret);
    }
  }
}, 120_000);

test('rule 300: no option of a guard or a preset is repeated in an error', async () => {
  for (const options of [
    ['--issuer', 'http://127.0.0.1:1'],
    ['--preset', 'keycloak', '--option', 'url=http://127.0.0.1:1', '--option', 'realm=shop'],
    ['--preset', 'entraId', '--option', 'tenantId=72f988bf-86f1-41af-91ab-2d7cd011db47'],
  ]) {
    const base = ['explain', '--audience', 'orders', ...options];
    const [, listed] = /\(options: ([^)]+)\)/.exec(await outputOf([...base, '--option', 'unknown=1']))!;
    const names = [...listed!.split(', '), 'url', 'realm', 'domain', 'tenantId', 'cloud', 'region', 'issuerMode', 'workloads'];
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      for (const value of [TOKENS[0]!, TOKENS[2]!]) {
        for (const text of [value, JSON.stringify(value), JSON.stringify([value]), JSON.stringify({ [name]: value, timeoutSeconds: value })]) {
          const args = [...base, '--option', `${name}=${text}`];
          // of a token that is no JWT, nothing is compared
          expect(await outputOf(args, 'opaque'), args.join(' ')).not.toContain(value);
        }
      }
    }
  }
}, 120_000);
