import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { need } from './needs.mjs';
import { build, createTally } from './steps.mjs';

need('redis-server', 'redis-server', 'macOS: brew install redis');
need('chromium', 'chromium', 'elsewhere: any Chromium or Chrome under the name chromium');
need('nginx', 'nginx', 'macOS: brew install nginx', '-v');
build();
const tally = createTally();
// these tests wait for Redis servers and time-outs, so there is a core to spare
const finishWaiting = tally.startVitestBeside('tests that wait', ['vitest', 'run', '--project', 'published-waiting']);
// without the packages: the rehearsal checks them as they are released
tally.step('format, lint, types, samples, dead code', 'node', ['scripts/tasks/check.mjs', '--without-packages']);
await finishWaiting();
tally.vitestStep('tests', ['vitest', 'run', '--project', '!published-waiting']);
// The rehearsal and the documentation take one core, so the tests beside them get one worker.
const finishRehearsal = tally.startBeside('release rehearsal', 'node', ['scripts/rehearse-release.mjs']);
tally.vitestStep(...publishedOn('22'));
const finishNewest = tally.startVitestBeside(...publishedOn('26'));
await finishRehearsal();
tally.step('documentation', 'node', ['docs/check.mjs']);
tally.vitestStep('older majors of frameworks', ['vitest', 'run', '--config', 'vitest.older.config.ts', '--maxWorkers=1']);
await finishNewest();
// the check of the web app takes as long as everything after it
const finishWebApp = tally.startBeside(...checkOf('examples/web-app'));
for (const folder of globSync('examples/*/check.ts').map(dirname).sort()) {
  if (folder !== 'examples/web-app') tally.step(...checkOf(folder));
}
tally.step('demo', 'pnpm', ['--silent', '--dir', 'examples/full-flow', 'start']);
await finishWebApp();
tally.finish();

/** The tests of the published packages on another version of Node, without those that cannot depend on it: see the lists in vitest.config.ts. */
function publishedOn(version) {
  const node = `compat/node_modules/node-${version}/bin/node`;
  return [`published packages on Node ${version}`, [node, 'node_modules/vitest/vitest.mjs', 'run', '--project', 'published', '--maxWorkers=1']];
}

function checkOf(folder) {
  return [`check of ${folder}`, 'pnpm', ['--silent', '--dir', folder, 'check']];
}
