import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MISTAKES, printedBy } from './mistakes.js';

const page = readFileSync(new URL('../../../docs/src/content/docs/reasons/mistakes.md', import.meta.url), 'utf8');

test.each(MISTAKES)('rule 174: the docs shows what this mistake prints: $title', async (mistake) => {
  const [, section] = page.split(`## ${mistake.title}\n`);
  expect(section, 'it has a section').toBeDefined();
  const [, block] = /^[^#]*?```\n(.*?)\n```/s.exec(section!) ?? [];
  expect(block?.split('\n')).toEqual(await printedBy(mistake));
});

test('the docs lists exactly the mistakes that are tested, in the same order', () => {
  const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(MISTAKES.map(({ title }) => title));
});
