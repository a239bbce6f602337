import type { OptionReader } from './option-reader.js';

/** Reads one option of a bag. What is wrong with it is told to the reader. */
export type ReadOption<V> = (reader: OptionReader, name: string) => V;

/**
 * One function for each option of an interface, in the order in which messages list them. An option that is forgotten does not compile:
 * `const TABLE = { ... } satisfies OptionTable<MonitoringOptions>`.
 */
export type OptionTable<O extends object> = { readonly [K in keyof Required<O>]: ReadOption<unknown> };

type OptionValues<T> = { readonly [K in keyof T]: T[K] extends ReadOption<infer V> ? V : never };
type AnyTable = Readonly<Record<string, ReadOption<unknown>>>;

/** Reads every option of a table. */
export function readTable<T extends AnyTable>(reader: OptionReader, table: T): OptionValues<T> {
  return Object.fromEntries(Object.entries(table).map(([name, read]) => [name, read(reader, name)])) as OptionValues<T>;
}

/** Reads the bag of options under a name, whose own names are those of the table. */
export function readInnerTable<T extends AnyTable>(reader: OptionReader, name: string, table: T): OptionValues<T> {
  return readTable(reader.inner(name, Object.keys(table)), table);
}

/** Returns the reader of a number that has a default. */
export function numberOption(otherwise: number, range: Parameters<OptionReader['number']>[2]): ReadOption<number> {
  return (reader, name) => reader.number(name, otherwise, range);
}
