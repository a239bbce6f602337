import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { need } from './needs.mjs';
import { build, createTally } from './steps.mjs';

need('redis-server', 'redis-server', 'macOS: brew install redis');
need('chromium', 'chromium', 'elsewhere: any Chromium or Chrome under the name chromium');
build();
const tally = createTally();
tally.step('format, lint, types, dead code, packages', 'node', ['scripts/tasks/check.mjs']);
tally.vitestStep('tests', ['vitest', 'run']);
// the rehearsal takes one core, so the tests beside it get one worker
const finishRehearsal = tally.startBeside('release rehearsal', 'node', ['scripts/rehearse-release.mjs']);
for (const version of ['22', '26']) {
  tally.vitestStep(`published packages on Node ${version} (without what cannot depend on the version: published-once in vitest.config.ts)`, [
    `compat/node_modules/node-${version}/bin/node`,
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'published',
    ...(version === '22' ? ['--maxWorkers=1'] : []),
  ]);
}
for (const check of globSync('examples/*/check.ts').sort()) {
  const folder = dirname(check);
  tally.step(`check of ${folder}`, 'pnpm', ['--silent', '--dir', folder, 'check']);
}
tally.step('demo', 'pnpm', ['--silent', '--dir', 'examples/full-flow', 'start']);
await finishRehearsal();
tally.finish();
