import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TEXTS } from './texts.js';

const PAGES = new URL('../../../../docs/src/content/docs/reasons/', import.meta.url);

test.each(Object.entries(TEXTS))('rule 174: the page about %s begins with its summary, and its fix with its remedy', (reason, { summary, remedy }) => {
  const page = readFileSync(new URL(`${reason.replaceAll('_', '-')}.md`, PAGES), 'utf8').replaceAll('\\', '');
  const [, text = ''] = page.split('\n---\n');
  expect(text.split('\n\n')[0]).toBe(`\n${summary}`);
  expect(page.split('\n## How to fix it\n\n')[1]?.split('\n')[0]).toBe(remedy);
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
