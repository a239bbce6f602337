import type { ConfigurationProblem, GuardOptions } from '@tokenward/core';
import { isObject } from '../lib/is-object.js';

/** What is wrong with an address is a check of its own. */
const ADDRESSES: ReadonlySet<string> = new Set(['issuer', 'metadataUrl', 'jwksUri', 'jwksFile']);

/** Returns options without those that a guard refuses, so that the rest can be checked: what is left has the type that it must have. */
export function usableOptions(options: GuardOptions, problems: readonly ConfigurationProblem[]): GuardOptions {
  return usable(options, '', new Set(problems.map(({ path }) => path))) as GuardOptions;
}

function usable(value: unknown, path: string, refused: ReadonlySet<string>): unknown {
  const inner = (at: string, one: unknown): unknown[] => (refused.has(at) ? [] : [usable(one, at, refused)]);
  if (Array.isArray(value)) return value.flatMap((one, index) => inner(`${path}[${index}]`, one));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => {
      const isAddress = typeof one === 'string' && ADDRESSES.has(name);
      return (isAddress ? [one] : inner(path === '' ? name : `${path}.${name}`, one)).map((left) => [name, left]);
    }),
  );
}
