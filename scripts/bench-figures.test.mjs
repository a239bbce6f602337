import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test.each([
  ['docs/src/content/docs/compare.md', /hostile tokens accepted, of (\d+)/],
  ['bench/README.md', /^\| (\d+) hostile tokens /m],
])('%s names as many hostile tokens as were sent when the results were measured', (page, count) => {
  const sent = new Set(JSON.parse(read('bench/results/latest.json')).hostile.map(({ tokens }) => tokens));
  expect([Number(count.exec(read(page))[1])]).toEqual([...sent]);
});
