import { writeFileSync } from 'node:fs';

/** Stops the rehearsal after a failed step that was reported already. */
export class Stop extends Error {}

export function createReport() {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };

  /** Runs and counts one check. Resolves with its result, or with undefined if it failed. */
  async function check(title, work) {
    const startedAt = performance.now();
    try {
      const result = await work();
      counts.passed += 1;
      console.log(`  ok    ${title} (${seconds(startedAt)})`);
      return result;
    } catch (error) {
      counts.failed += 1;
      counts.failures.push(`${title}\n    ${String(error.message).slice(0, 500)}`);
      console.log(`  FAIL  ${title} (${seconds(startedAt)})\n${String(error.message).replaceAll(/^/gm, '        ')}`);
      return undefined;
    }
  }

  /** Runs a check that all later ones depend on. Throws `Stop` if it fails. */
  async function step(title, work) {
    const failedBefore = counts.failed;
    const result = await check(title, work);
    if (counts.failed > failedBefore) throw new Stop(title);
    return result;
  }

  function skip(title, count) {
    counts.skipped += count;
    console.log(`  skip  ${title}`);
  }

  function hasPassed() {
    return counts.failed === 0 && counts.passed > 0;
  }

  function finish() {
    console.log(`\nrehearsal: ${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
    if (process.env.TOKENWARD_COUNTS) writeFileSync(process.env.TOKENWARD_COUNTS, JSON.stringify(counts));
    process.exitCode = hasPassed() ? 0 : 1;
  }

  return { check, step, skip, hasPassed, finish };
}

function seconds(startedAt) {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
