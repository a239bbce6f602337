import { createResourceGuard, type ConfigurationError, type GuardOptions } from '@tokenward/core';

const UNKNOWN = 'unknownOption';

/** Returns options in which the one at a path has this value: `dpop.replays`. */
export function optionsWith(path: string, value: unknown): Partial<GuardOptions> {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Partial<GuardOptions>;
}

/** Returns the names of the options within the one at a path. A guard lists them when one is unknown. Empty if the option holds no options. */
function namesWithin(path: string): readonly string[] {
  const unknown = path === '' ? UNKNOWN : `${path}.${UNKNOWN}`;
  try {
    createResourceGuard({ issuer: 'https://login.example.test', audience: 'https://api.example.test', ...optionsWith(unknown, true) });
  } catch (error) {
    const problem = (error as ConfigurationError).problems.find((one) => one.path === unknown);
    return /\(options: (.+)\)$/.exec(problem?.message ?? '')?.[1]!.split(', ') ?? [];
  }
  return [];
}

function pathsWithin(path: string): readonly string[] {
  return namesWithin(path).flatMap((name) => {
    const inner = path === '' ? name : `${path}.${name}`;
    return [inner, ...pathsWithin(inner)];
  });
}

/** Every option of a guard, and every option within one: `dpop`, `dpop.replays`. */
export const optionPaths: readonly string[] = pathsWithin('');
