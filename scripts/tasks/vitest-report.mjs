import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';

/** Arguments with which Vitest writes a report to the file that the environment variable `TOKENWARD_REPORT` names. */
export const REPORT_ARGUMENTS = [`--reporter=${fileURLToPath(import.meta.url)}`];

/** Vitest's reporter for {@link readVitestReport}. Vitest's own JSON contains neither unhandled errors nor the failures of hooks beside tests. */
export default class FailureReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const report = { files: Object.fromEntries(modules.map(countsOf)), unhandled: unhandledErrors.map(unhandledFailure) };
    writeFileSync(process.env.TOKENWARD_REPORT, JSON.stringify(report));
  }
}

/**
 * Reads what a run of Vitest reported: for each test file what it counted and its failures, and the errors that nothing handled. A failure has a text, and
 * says whether a time-out explains all of it. Both are empty if there is no report.
 */
export function readVitestReport(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { files: {}, unhandled: [] };
}

function countsOf(module) {
  const path = relative('', module.moduleId);
  const tests = [...module.children.allTests()];
  const inState = (state) => tests.filter((test) => test.result().state === state);
  const [passed, failed] = [inState('passed'), inState('failed')];
  // suites have errors of hooks, and a file those of its loading, too
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  const failures = [
    ...(module.errors().length > 0 ? [failureOf(path, module.errors())] : []),
    ...suites.map((suite) => failureOf(`${path}: ${suite.fullName}`, suite.errors())),
    ...failed.map((test) => failureOf(`${path}: ${test.fullName}`, test.result().errors)),
  ];
  // a worker that crashed leaves no errors in its file
  if (failures.length === 0 && !['passed', 'skipped'].includes(module.state())) failures.push(failureOf(`${path}: it did not finish`, []));
  return [path, { passed: passed.length, skipped: tests.length - passed.length - failed.length, failures }];
}

/** Vitest's own time-outs, and those of the helpers of the tests: 'no answer within 10 s'. */
const TIMEOUT = /^(?:Test|Hook) timed out in \d+ms|^(?!expected ).*\bwithin [\d.]+ m?s\b/;

function failureOf(name, errors) {
  const isTimeout = errors.length > 0 && errors.every(({ message }) => TIMEOUT.test(message));
  return { text: [name, ...errors.map(shorten)].join('\n'), isTimeout };
}

function unhandledFailure(error) {
  const { VITEST_TEST_PATH: path, type = 'Unhandled Error' } = error;
  return { text: [`${path ? `${relative('', path)}: ` : ''}${type}`, shorten(error)].join('\n'), isTimeout: false };
}

/** Returns the first lines of an error, indented, without the frames of what ran the test. */
function shorten({ stack, message }) {
  const lines = (stack || message || '').split('\n').filter((line) => !/^\s+at .*(node_modules|<anonymous>)/.test(line));
  return lines
    .slice(0, 12)
    .map((line) => `    ${line}`)
    .join('\n')
    .slice(0, 1500);
}

/** The test files whose failures are time-outs alone; empty if anything else failed, too. */
export function timedOutFiles({ files, unhandled }) {
  const failed = Object.entries(files).filter(([, { failures }]) => failures.length > 0);
  return unhandled.length === 0 && failed.every(([, { failures }]) => failures.every(({ isTimeout }) => isTimeout)) ? failed.map(([path]) => path) : [];
}

/** Returns the report of a run in which some files ran again. */
export function mergeReports(first, again) {
  return { files: { ...first.files, ...again.files }, unhandled: [...first.unhandled, ...again.unhandled] };
}

/** What a run counted; each error that nothing handled is a failure. */
export function sumOf({ files, unhandled }) {
  const all = Object.values(files);
  const failures = [...all.flatMap((file) => file.failures), ...unhandled].map(({ text }) => text);
  const sum = (name) => all.reduce((total, counts) => total + counts[name], 0);
  return { passed: sum('passed'), failed: failures.length, skipped: sum('skipped'), failures };
}
