import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Reason } from '@tokenward/core';
import { BOUND_TOKENS } from './bound-tokens.js';
import { CREDENTIALS } from './credentials.js';
import { OUTAGES, POLICIES } from './policies-and-outages.js';
import { symptomOf, type Stage } from './stage.js';
import { CLAIMS, FORMS_AND_KEYS } from './tokens.js';

/** One way to each reason. A new reason does not compile until it has one. */
const SYMPTOMS: Record<Reason, (stage: Stage) => Promise<void>> = {
  ...CREDENTIALS,
  ...FORMS_AND_KEYS,
  ...CLAIMS,
  ...BOUND_TOKENS,
  ...POLICIES,
  ...OUTAGES,
};
const PAGES = new URL('../../../../docs/src/content/docs/reasons/', import.meta.url);
const fileOf = (reason: string): string => `${reason.replaceAll('_', '-')}.md`;
const read = (file: string): string => readFileSync(new URL(file, PAGES), 'utf8');

test.each(Object.entries(SYMPTOMS))('rule 174: the page about %s shows what the client and the operator see', async (reason, make) => {
  const { answer, line } = await symptomOf(make);
  const page = read(fileOf(reason));
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
  expect(page).toMatch(new RegExp(`^---\ntitle: ${status} ${reason}\n`));
  expect(/```http\n(.*?)\n```/s.exec(page)?.[1]).toBe(answer);
  expect(/```text\n(.*?)\n```/s.exec(page)?.[1]).toBe(line);
  expect(line).toContain(` -> ${status} ${reason}: `);
});

test('rule 174: the index shows a line as it is printed', () => {
  const [, line, reason] = /```text\n(tokenward: \S+ \S+ -> \d+ (\w+): .*)\n```/.exec(read('index.md'))!;
  expect(read(fileOf(reason!))).toContain(`\n${line}\n`);
});

test('rule 174: there is a page for each reason, and the index lists it under its status', () => {
  const pages = readdirSync(PAGES).filter((file) => !['index.md', 'mistakes.md'].includes(file));
  expect(pages.toSorted()).toEqual(Object.keys(SYMPTOMS).map(fileOf).toSorted());
  const sections = read('index.md').split(/^## /m);
  for (const file of pages) {
    const [, status] = /^title: (\d+) /m.exec(read(file))!;
    expect(
      sections.filter((section) => section.includes(`](${file})`)).map((section) => section.slice(0, 3)),
      file,
    ).toEqual([status]);
  }
});
