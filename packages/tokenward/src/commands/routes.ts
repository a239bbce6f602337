import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RouteOfApp } from '@tokenward/testing/routes';
import { defineCommand, type CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { harmless } from '../lib/harmless.js';
import type { Style } from '../style.js';

const options = {
  export: {
    type: 'string',
    value: 'NAME',
    summary: 'The export that is the app, or a function that returns it. Default: default, app, createApp and the like',
  },
  json: { type: 'boolean', summary: 'Print JSON' },
  'fail-on-open': { type: 'boolean', summary: 'Exit with code 1 if a route has no guard of tokenward, or is unknown' },
  except: { type: 'string', value: 'ROUTE', multiple: true, summary: 'A route that needs no guard of tokenward: "GET /health", "* /docs/*"' },
} as const;

export const routesCommand = defineCommand({
  name: 'routes',
  summary: 'List the routes of an app, and what protects each',
  usage: '<app> [options]',
  description:
    'Loads an app of Express, Fastify, Koa with @koa/router, NestJS or Hono, and asks the framework for its routes and the guards of tokenward in front of them. It sends no request. The app is loaded in a process of its own, which is ended afterwards. A server that the app starts gets a free port of loopback.\n\nA guard of another library, or one that a handler calls itself, cannot be seen. To try every route with requests, use assertProtected() of @tokenward/testing.',
  options,
  positionals: [{ name: 'app', summary: 'The file that exports the app: JavaScript, or TypeScript that Node can run' }],
  examples: ['tokenward routes src/app.ts', 'tokenward routes dist/app.js --export createApp --fail-on-open --except "GET /health"'],
  exitCodes: { 0: 'the routes were listed', 1: 'with --fail-on-open: a route has no guard of tokenward, or is unknown', 3: 'the app could not be loaded' },
  run,
});

async function run({ cwd, env, options: given, positionals, output, stderr }: CommandContext<typeof options>): Promise<ExitCode> {
  const file = resolve(cwd, positionals[0]!);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new UsageError('<app> names no file. Pass the file that exports the app');
  // the list needs the frameworks' readers, and --help does not
  const { askChild } = await import('../routes/ask-child.js');
  const question = { file, shownFile: positionals[0]!, exportName: given.export, except: given.except };
  const { routes, excepted } = await output.during(
    'Loading the app',
    askChild(question, { cwd, env }, (text) => void stderr.write(harmless(text))),
  );
  const failing = routes.filter(({ protection }, at) => (protection === 'no-tokenward-guard' || protection === 'unknown') && !excepted.includes(at));
  if (given.json) output.json({ routes, failing: failing.map(nameOf) });
  else printTable(routes, excepted, output);
  return given['fail-on-open'] && failing.length > 0 ? EXIT_CODES.found : EXIT_CODES.good;
}

function printTable(routes: readonly RouteOfApp[], excepted: readonly number[], { line, style }: CommandContext['output']): void {
  const rows = routes.map((route, at) => [route.method, printable(route.path), wordFor(route, excepted.includes(at)), detailOf(route)] as const);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((cells) => cells[column]!.length), 0));
  for (const [at, [method, path, word, detail]] of rows.entries()) {
    const shown = colourOf(routes[at]!, excepted.includes(at), style)(word.padEnd(widths[2]!));
    line(`${method.padEnd(widths[0]!)}  ${path.padEnd(widths[1]!)}  ${shown}  ${detail}`.trimEnd());
  }
  if (rows.length > 0) line();
  line(summaryOf(routes));
}

/** What `--json` says in one word. */
const WORDS = {
  required: 'token',
  optional: 'optional',
  'no-tokenward-guard': 'no tokenward guard',
  unknown: 'unknown',
} as const satisfies Record<RouteOfApp['protection'], string>;

function wordFor({ protection }: RouteOfApp, isExcepted: boolean): string {
  return isExcepted && protection !== 'required' ? `${WORDS[protection]} (excepted)` : WORDS[protection];
}

function colourOf({ protection }: RouteOfApp, isExcepted: boolean, style: Style): (text: string) => string {
  const name = protection === 'required' ? 'green' : protection === 'optional' || isExcepted ? 'yellow' : 'red';
  return (text) => style[name](text);
}

function detailOf({ policies, handler, note }: RouteOfApp): string {
  const needs = policies.map(({ words }) => words.replaceAll('`', '')).join(', and ');
  return printable([needs, handler && `(${handler})`, note && `[${note}]`].filter((part) => part).join(' '));
}

/** Paths and names come from the app's source. A control character in them must not reach the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}

function summaryOf(routes: readonly RouteOfApp[]): string {
  const count = (wanted: RouteOfApp['protection']): number => routes.filter(({ protection }) => protection === wanted).length;
  const counts = [
    `${count('required')} need a token`,
    `${count('optional')} optional`,
    `${count('no-tokenward-guard')} without a tokenward guard`,
    `${count('unknown')} unknown`,
  ];
  return `${routes.length} ${routes.length === 1 ? 'route' : 'routes'}: ${counts.join(', ')}`;
}

function nameOf({ method, path }: RouteOfApp): string {
  return `${method} ${path}`;
}
