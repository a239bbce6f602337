import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TEXTS } from './texts.js';

const page = readFileSync(new URL('../../../../docs/src/content/docs/reasons/index.md', import.meta.url), 'utf8').replaceAll('\\', '');

test.each(Object.entries(TEXTS))('rule 174: the docs contain the summary and the remedy of %s', (reason, { summary, remedy }) => {
  const [, section = ''] = page.split(`### \`${reason}\`\n`);
  expect(section.replaceAll('`', '').startsWith(`\n${summary}\n\n${remedy}\n`)).toBe(true);
});

test('each summary and remedy starts with a capital letter and ends with a full stop', () => {
  for (const { summary, remedy } of Object.values(TEXTS)) for (const text of [summary, remedy]) expect(text).toMatch(/^[A-Z].*[.]$/);
});

test('refine never throws, whatever the values are', () => {
  const values = [undefined, null, 0, '', 'x', [], {}, 'https://', ['https://a/b', 7]];
  for (const { refine } of Object.values(TEXTS)) {
    for (const expected of values) for (const found of values) for (const cause of [undefined, '', 'exp']) refine?.({ cause, expected, found });
  }
});
