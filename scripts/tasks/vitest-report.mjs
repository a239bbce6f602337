import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Reads Vitest's JSON report: for each test file what it counted, and the first lines of each failure. Returns an empty Map if there is no report. */
export function readVitestReport(file) {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'));
  return new Map(testResults.map((result) => [relative('', result.name), countsOf(result)]));
}

function countsOf({ status, message, name, assertionResults }) {
  const path = relative('', name);
  if (assertionResults.length === 0 && status === 'failed')
    return { passed: 0, failed: 1, skipped: 0, failures: [`${path}: no test could run\n${shorten(message)}`] };
  const failed = assertionResults.filter((test) => test.status === 'failed');
  const passed = assertionResults.filter((test) => test.status === 'passed').length;
  return {
    passed,
    failed: failed.length,
    skipped: assertionResults.length - passed - failed.length,
    failures: failed.map(({ fullName, failureMessages }) => `${path}: ${fullName}\n${shorten(failureMessages[0])}`),
  };
}

export function failedFiles(report) {
  return [...report].filter(([, { failed }]) => failed > 0).map(([path]) => path);
}

export function sumOf(report) {
  const all = [...report.values()];
  const sum = (name) => all.reduce((total, counts) => total + counts[name], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), failures: all.flatMap(({ failures }) => failures) };
}

/** Returns the first lines of a message, indented, without the frames of what ran the test. */
function shorten(message = '') {
  const lines = message.split('\n').filter((line) => !/^\s+at .*(node_modules|<anonymous>)/.test(line));
  return lines
    .slice(0, 12)
    .map((line) => `    ${line}`)
    .join('\n')
    .slice(0, 1500);
}
