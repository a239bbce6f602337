import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(`${root}${path}`, 'utf8');
const page = (name) => read(`docs/src/content/docs/security/${name}.md`);

/** The files with tests, and with the cases of the suites, which run for every adapter and every store. */
const TESTS = ['packages/*/{src,test}/**/*.test.ts', 'packages/testing/src/*-suite/**/*.ts', 'scripts/**/*.test.mjs'];
const sources = globSync(TESTS, { cwd: root }).map(read);
const tested = new Set(sources.flatMap((source) => numbersOf(source, /['"`]rules? (\d+(?:(?:, and |, | and | to )\d+)*)/g)));
/** The rules that a test names alone: `vitest -t` with one number does not find a test that is named after several rules. */
const found = new Set(sources.flatMap((source) => numbersOf(source, /['"`]rule (\d+)\b/g)));
const described = new Set(
  page('rules')
    .split('\n')
    .flatMap((line) => numbersOf(line, /^\| *(\d[\d, ]*?) *\|/g)),
);

/** What a row says if it names no test. */
const NO_TEST = /^(?:yours|out of scope|nothing to test)$/;
const RULES = /^rules? (\d+(?:, \d+)*)$/;
const NAMED = /^`([\w./-]+\.test\.ts)`: (`[^`]+`(?:, `[^`]+`)*)$/;

const demands = rowsOf(page('musts')).filter((cells) => cells.at(-1) !== 'shown by');

test('each demand of a specification says what shows it', () => {
  expect(demands.length).toBeGreaterThan(50);
  const unclear = demands.filter((cells) => cells.length !== 5 || !evidenceOf(cells).every((one) => [NO_TEST, RULES, NAMED].some((form) => form.test(one))));
  expect(unclear).toEqual([]);
});

test('each rule in the table of a specification or in the threat model is described, and has a test', () => {
  const named = demands.flatMap(evidenceOf).flatMap((one) => numbersOf(one, new RegExp(RULES, 'g')));
  const threats = page('threat-model');
  const opposed = [...rowsOf(threats).flatMap((cells) => numbersOf(cells.at(-1), /^([\d, ]+)$/g)), ...numbersOf(threats, /\((\d+(?:, \d+)*)\)/g)];
  expect(named.length).toBeGreaterThan(80);
  expect(opposed.length).toBeGreaterThan(80);
  expect([...named, ...opposed].filter((rule) => !described.has(rule) || !tested.has(rule))).toEqual([]);
});

test('each rule has a test that begins with its number alone, and each number of a test is a rule', () => {
  expect([...described].filter((rule) => !found.has(rule))).toEqual([]);
  expect([...tested].filter((rule) => !described.has(rule))).toEqual([]);
});

test('each test that the tables name is in the file that they name', () => {
  const named = demands.flatMap(evidenceOf).flatMap((one) => {
    const [, file, names] = NAMED.exec(one) ?? [];
    return file === undefined ? [] : names.split(', `').map((name) => ({ file, name: name.replaceAll('`', '') }));
  });
  const fapi = [...page('fapi2').matchAll(/`(\(\d[^`]+?)(?: \.\.\.)?`/g)].map(([, name]) => ({ file: 'packages/core/test/fapi2.test.ts', name }));
  expect(named.length).toBeGreaterThan(5);
  expect(fapi.length).toBeGreaterThan(5);
  expect([...named, ...fapi].filter(({ file, name }) => !existsSync(`${root}${file}`) || !hasTest(read(file), name))).toEqual([]);
});

test('the sidebar lists the pages on security', () => {
  expect(read('docs/astro.config.mjs')).toContain("section('Security', 'security')");
  for (const name of ['threat-model', 'rules', 'musts', 'fapi2']) expect(page(name)).toMatch(/^---\ntitle: .+\ndescription: .+\nsidebar:\n {2}order: \d\n---/);
});

/** The rows of all tables of a page, without the lines below their headings. */
function rowsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| -'))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));
}

function evidenceOf(cells) {
  return cells.at(-1).split('; ');
}

function hasTest(source, name) {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}`));
}

/** The numbers in the first group of each match; `10 to 12` are three. */
function numbersOf(text, pattern) {
  return [...text.matchAll(pattern)].flatMap(([, list]) =>
    list
      .split(/, and |, | and /)
      .map((part) => part.trim().split(' to ').map(Number))
      .flatMap(([first, last = first]) => Array.from({ length: last - first + 1 }, (_one, at) => first + at)),
  );
}
