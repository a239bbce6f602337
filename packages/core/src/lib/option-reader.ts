import { misuse, type ConfigurationProblem } from './configuration-error.js';
import { own } from './json.js';
import { didYouMean } from './did-you-mean.js';
import { shown, shownName } from './shown-option.js';
import { urlProblem } from './url.js';

interface Range {
  readonly least: number;
  /** Required: a duration or size that nothing ever reaches limits nothing. */
  readonly most: number;
  readonly whole?: boolean;
}

/** Reads an object of options. It collects problems instead of stopping at the first. */
export class OptionReader {
  readonly problems: ConfigurationProblem[];
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #prefix: string;

  /**
   * Reports names that are not known.
   *
   * @param prefix precedes the names in the paths of problems
   */
  constructor(options: object, known: readonly string[], prefix = '', problems: ConfigurationProblem[] = []) {
    this.#options = options as Readonly<Record<string, unknown>>;
    this.#prefix = prefix;
    this.problems = problems;
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) this.wrong(shownName(name), notAnOption(name, known));
    }
  }

  /** Returns a reader of the object that an option holds. */
  inner(name: string, known: readonly string[]): OptionReader {
    const value = this.get(name);
    const options = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
    if (value !== undefined && options !== value) this.wrong(name, `must be an object (got ${shown(value)})`);
    return new OptionReader(options, known, `${this.#prefix}${name}.`, this.problems);
  }

  /** Returns an own member of the options. Inherited members, such as those of a polluted prototype, do not count. */
  get(name: string): unknown {
    return own(this.#options, name);
  }

  /** Whether the option was written, even as undefined: `secret: process.env.SECRET`. */
  has(name: string): boolean {
    return Object.hasOwn(this.#options, name);
  }

  /** Reports a problem with an option. */
  wrong(name: string, message: string): void {
    this.problems.push({ path: `${this.#prefix}${name}`, message });
  }

  number(name: string, defaultValue: number, range: Range): number {
    return this.optionalNumber(name, range) ?? defaultValue;
  }

  optionalNumber(name: string, { least, most, whole = false }: Range): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    this.wrong(name, `must be a ${whole ? 'whole ' : ''}number from ${least} to ${most} (got ${shown(value, 'number')})`);
    return undefined;
  }

  text(name: string, defaultValue: string): string {
    const value = this.get(name);
    if (value === undefined) return defaultValue;
    if (typeof value === 'string' && value !== '') return value;
    this.wrong(name, `must be a non-empty string (got ${shown(value)})`);
    return defaultValue;
  }

  /** Reads a list of non-empty strings. An empty list is a problem: it could mean nothing or everything. */
  texts(name: string): readonly string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    // `every` skips holes
    if (Array.isArray(value) && value.length > 0 && !value.includes(undefined) && value.every((text) => typeof text === 'string' && text !== ''))
      return [...(value as string[])];
    this.wrong(name, `must be a list of one or more non-empty strings (got ${shown(value)})`);
    return undefined;
  }

  /** @param httpHosts hosts for which plain http is accepted; undefined if there is no option for them */
  url(name: string, httpHosts?: ReadonlySet<string>): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const problem = typeof value === 'string' ? urlProblem(value, httpHosts) : 'must be a string';
    if (problem === undefined) return value as string;
    this.wrong(name, `${problem} (got ${shown(value, 'url')})`);
    return undefined;
  }

  /** Reads host names as they appear in URLs. */
  hosts(name: string): ReadonlySet<string> | undefined {
    const hosts = this.texts(name);
    for (const host of hosts ?? []) {
      if (host.includes('*') || URL.parse(`https://${host}/`)?.hostname !== host)
        this.wrong(name, `must list host names in lower case, without scheme, port or pattern (got ${shown(host, 'host')})`);
    }
    return hosts && new Set(hosts);
  }

  /** Returns the hosts in `unsafeHttpHosts` next to an option, without reporting problems: the reader of that option does. */
  httpHosts(): ReadonlySet<string> {
    const hosts = this.get('unsafeHttpHosts');
    return new Set(Array.isArray(hosts) ? (hosts as string[]) : []);
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'boolean') this.wrong(name, `must be true or false (got ${shown(value)})`);
    return value === true;
  }

  fn<F>(name: string): F | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'function') return value as F | undefined;
    this.wrong(name, `must be a function (got ${shown(value)})`);
    return undefined;
  }
}

/** Returns the message for an unknown option. The option that was probably meant comes first. */
export function notAnOption(name: string, known: readonly string[]): string {
  return `is not an option${didYouMean(name, known)} (options: ${known.join(', ')})`;
}

/**
 * Returns options that are a plain object. Some readers would see inherited members, and others would not.
 *
 * @throws ConfigurationError if they are not
 */
export function plainOptions<O extends object>(options: O, path = 'options'): O {
  const problem = plainProblem(options);
  if (problem !== undefined) throw misuse(path, problem);
  return options;
}

/** Returns why a value is not a plain object, or undefined if it is one. */
export function plainProblem(options: unknown): string | undefined {
  const isObject = typeof options === 'object' && options !== null;
  const prototype: unknown = isObject ? Object.getPrototypeOf(options) : undefined;
  // objects of another realm, such as Jest's, have an Object.prototype of their own
  const isPlain = isObject && (prototype === null || (typeof prototype === 'object' && Object.hasOwn(prototype, 'isPrototypeOf')));
  if (isPlain && Object.getOwnPropertyNames(options).length === Object.keys(options).length) return undefined;
  return `must be a plain object (got ${isObject ? 'a list, an instance of a class, or an object with hidden members' : shown(options)})`;
}
