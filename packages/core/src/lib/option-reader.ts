import { misuse, type ConfigurationProblem } from './configuration-error.js';
import { own } from './json.js';
import { didYouMean } from './did-you-mean.js';
import { shown, shownName } from './shown-option.js';
import { urlProblem } from './url.js';

interface Range {
  readonly least: number;
  readonly most?: number;
  readonly whole?: boolean;
}

/** Reads one bag of options, collecting what is wrong with it instead of stopping at the first. */
export class OptionReader {
  readonly problems: ConfigurationProblem[];
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #prefix: string;

  constructor(options: object, known: readonly string[], prefix = '', problems: ConfigurationProblem[] = []) {
    this.#options = options as Readonly<Record<string, unknown>>;
    this.#prefix = prefix;
    this.problems = problems;
    for (const name of Object.keys(options)) {
      if (!known.includes(name)) this.wrong(shownName(name), notAnOption(name, known));
    }
  }

  /** The bag of options within this one. */
  inner(name: string, known: readonly string[]): OptionReader {
    const value = this.get(name);
    const bag = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
    if (value !== undefined && bag !== value) this.wrong(name, `is ${shown(value)}: an object is needed`);
    return new OptionReader(bag, known, `${this.#prefix}${name}.`, this.problems);
  }

  /** Of the options' own: what an object inherits, from a polluted prototype too, is never seen. */
  get(name: string): unknown {
    return own(this.#options, name);
  }

  wrong(name: string, message: string): void {
    this.problems.push({ path: `${this.#prefix}${name}`, message });
  }

  number(name: string, otherwise: number, range: Range): number {
    return this.optionalNumber(name, range) ?? otherwise;
  }

  optionalNumber(name: string, { least, most = Number.MAX_SAFE_INTEGER, whole = false }: Range): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const upTo = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
    this.wrong(name, `is ${shown(value, 'number')}: a ${whole ? 'whole ' : ''}number${upTo} is needed`);
    return undefined;
  }

  text(name: string, otherwise: string): string {
    const value = this.get(name);
    if (value === undefined) return otherwise;
    if (typeof value === 'string' && value !== '') return value;
    this.wrong(name, `is ${shown(value)}: a string that is not empty is needed`);
    return otherwise;
  }

  /** A list of non-empty strings; an empty list would mean nothing or everything, so it is an error. */
  texts(name: string): readonly string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    // `every` passes over holes
    if (Array.isArray(value) && value.length > 0 && !value.includes(undefined) && value.every((text) => typeof text === 'string' && text !== ''))
      return [...(value as string[])];
    this.wrong(name, `is ${shown(value)}: a list of at least one string is needed, none of them empty`);
    return undefined;
  }

  /** @param unsafeHttpHosts the hosts for which http passes, where there is an option for them */
  url(name: string, unsafeHttpHosts?: ReadonlySet<string>): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const problem = typeof value === 'string' ? urlProblem(value, unsafeHttpHosts) : 'is not a string';
    if (problem === undefined) return value as string;
    this.wrong(name, `${problem} (given: ${shown(value, 'url')})`);
    return undefined;
  }

  /** Host names, exactly as a URL has them. */
  hosts(name: string): ReadonlySet<string> | undefined {
    const hosts = this.texts(name);
    for (const host of hosts ?? []) {
      if (host.includes('*') || URL.parse(`https://${host}/`)?.hostname !== host)
        this.wrong(name, `holds ${shown(host, 'host')}: host names are needed, in lower case, without scheme, port or pattern`);
    }
    return hosts && new Set(hosts);
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'boolean') this.wrong(name, `is ${shown(value)}: true or false is needed`);
    return value === true;
  }

  fn<F>(name: string): F | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'function') return value as F | undefined;
    this.wrong(name, `is ${shown(value)}: a function is needed`);
    return undefined;
  }
}

/** What to say of a name that nobody knows: the one that was meant comes first. */
export function notAnOption(name: string, known: readonly string[]): string {
  return `is not an option${didYouMean(name, known)}; these are: ${known.join(', ')}`;
}

/**
 * An object whose members are all its own, as options must be: what stands in a prototype would be seen by some readers and not by others.
 *
 * @throws ConfigurationError
 */
export function plainOptions<O extends object>(options: O, path = 'options'): O {
  const prototype: unknown = typeof options === 'object' && options !== null ? Object.getPrototypeOf(options) : undefined;
  const isPlain = prototype === null || (typeof prototype === 'object' && Object.hasOwn(prototype, 'isPrototypeOf'));
  if (isPlain && Object.getOwnPropertyNames(options).length === Object.keys(options).length) return options;
  const given = typeof options === 'object' && options !== null ? 'an instance of a class, a list, or has hidden members' : shown(options);
  throw misuse(path, `is ${given}: a plain object is needed`);
}
