import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { optionPaths } from './option-names.js';

const PAGES = fileURLToPath(new URL('../../../docs/src/content/docs/', import.meta.url));
const REFERENCE = 'reference/options.md';

/** Returns the options that a row of a table describes: the names in its first cell, and `{ name, other? }` there or in its last cell. */
function optionsOf(row: string, within: string): readonly string[] {
  const [first = '', ...others] = row.slice(2).split(' | ');
  const names = [...first.matchAll(/`(\w+)[^`]*`/g)].map(([, name]) => `${within}${name}`);
  const inner = [...first.matchAll(/`\w+: (\{[^`]+\})`/g), ...(others.at(-1) ?? '').matchAll(/`(\{[^`]+\})`/g)]
    .filter(([, list]) => /^\{ \w+\??(?:, \w+\??)* \}$/.test(list!))
    .flatMap(([, list]) => list!.match(/\w+/g)!);
  return [...names, ...inner.map((name) => `${names.at(-1)}.${name}`)];
}

/** The options that tables describe. On any page, a table whose first heading is "option of `dpop`" is about options within `dpop`. */
const described: ReadonlySet<string> = new Set(
  globSync('**/*.{md,mdx}', { cwd: PAGES }).flatMap((page) =>
    readFileSync(`${PAGES}${page}`, 'utf8')
      .split(/\n(?!\|)/)
      .flatMap((block) => {
        const [heading = '', , ...rows] = block.split('\n').filter((line) => line.startsWith('| '));
        const within = /^\| option of `(\w+)` /.exec(heading)?.[1];
        if (within !== undefined) return rows.flatMap((row) => optionsOf(row, `${within}.`));
        return page === REFERENCE && heading.startsWith('| option ') ? rows.flatMap((row) => optionsOf(row, '')) : [];
      }),
  ),
);

test('each option of a guard, and each option within one, has a row in a table', () => {
  for (const deep of ['issuer', 'dpop.maxReplays', 'introspection.tls.cert', 'clientCertificate.header.format']) expect(optionPaths).toContain(deep);
  expect(optionPaths.filter((option) => !described.has(option))).toEqual([]);
});

test('each row names an option of a guard', () => {
  expect([...described].filter((option) => !optionPaths.includes(option))).toEqual([]);
});
