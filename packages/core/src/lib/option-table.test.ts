import { expect, expectTypeOf, test } from 'vitest';
import { OptionReader } from './option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from './option-table.js';

interface Options {
  readonly size?: number | undefined;
  readonly owner: string;
}

const TABLE = {
  size: numberOption(5, { least: 1, most: 10 }),
  owner: (reader: OptionReader, name: string) => reader.text(name, 'nobody'),
} satisfies OptionTable<Options>;

test('reads each option under its name, and fills in defaults', () => {
  const values = readInnerTable(new OptionReader({ cache: { size: 7 } }, ['cache']), 'cache', TABLE);
  expect(values).toEqual({ size: 7, owner: 'nobody' });
  expectTypeOf(values).toEqualTypeOf<{ readonly size: number; readonly owner: string }>();
});

test('reports all problems, with unknown names first', () => {
  const reader = new OptionReader({ cache: { owner: '', size: 11, sise: 1 } }, ['cache']);
  readInnerTable(reader, 'cache', TABLE);
  expect(reader.problems).toEqual([
    { path: 'cache.sise', message: 'is not an option: did you mean size? (options: size, owner)' },
    { path: 'cache.size', message: 'must be a number from 1 to 10 (got 11)' },
    { path: 'cache.owner', message: 'must be a non-empty string (got "")' },
  ]);
});

test('a table with a missing or an unknown option does not compile', () => {
  const owner = TABLE.owner;
  // @ts-expect-error -- size is missing, although it is optional
  void ({ owner } satisfies OptionTable<Options>);
  // @ts-expect-error -- there is no option of that name
  void ({ ...TABLE, colour: owner } satisfies OptionTable<Options>);
});
