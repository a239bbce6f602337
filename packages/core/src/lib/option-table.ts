import type { OptionReader } from './option-reader.js';

/** Reads one option, and reports problems to the reader. */
export type ReadOption<V> = (reader: OptionReader, name: string) => V;

/**
 * One function for each option of an interface, in the order in which messages list them. Forgetting an option is a compile error.
 *
 * @example const MONITORING = { maxPlaces: numberOption(5, { least: 1, most: 1000 }), ... } satisfies OptionTable<MonitoringOptions>;
 */
export type OptionTable<O extends object> = { readonly [K in keyof Required<O>]: ReadOption<unknown> };

/** The values that the readers of a table return. */
export type OptionValues<T> = { readonly [K in keyof T]: T[K] extends ReadOption<infer V> ? V : never };
type AnyTable = Readonly<Record<string, ReadOption<unknown>>>;

/** Reads all options of a table. */
export function readTable<T extends AnyTable>(reader: OptionReader, table: T): OptionValues<T> {
  return Object.fromEntries(Object.entries(table).map(([name, read]) => [name, read(reader, name)])) as OptionValues<T>;
}

/** Reads the options of the object that an option holds. */
export function readInnerTable<T extends AnyTable>(reader: OptionReader, name: string, table: T): OptionValues<T> {
  return readTable(reader.inner(name, Object.keys(table)), table);
}

/** Returns the reader of a number with a default. */
export function numberOption(defaultValue: number, range: Parameters<OptionReader['number']>[2]): ReadOption<number> {
  return (reader, name) => reader.number(name, defaultValue, range);
}

/** Returns the reader of a non-empty string with a default. */
export function textOption(defaultValue: string): ReadOption<string> {
  return (reader, name) => reader.text(name, defaultValue);
}
