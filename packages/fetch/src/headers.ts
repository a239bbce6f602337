import type { ProtectedRequest } from '@tokenward/core';

type HeaderRecord = Record<string, string | string[] | undefined>;

/** RFC 9110 s5.1. `Headers` throws for any other name. */
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/**
 * Returns the headers as a record that is read on demand: a guard reads two or three fields, and a copy of all of them costs more than the rest of a check.
 *
 * `Headers` joins repeated lines with a comma, so two `Authorization` lines look like one. No access token contains a comma, so a field with one is returned as
 * several lines, which a guard refuses.
 */
export function recordOf(headers: Headers): ProtectedRequest['headers'] {
  return new Proxy<HeaderRecord>(Object.create(null) as HeaderRecord, new LazyRecord(headers));
}

class LazyRecord implements ProxyHandler<HeaderRecord> {
  readonly #headers: Headers;
  #isComplete = false;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  get(record: HeaderRecord, name: string | symbol): string | string[] | undefined {
    if (typeof name !== 'string' || !FIELD_NAME.test(name)) return undefined;
    if (this.#isComplete) return record[name];
    // names in lower case only, as in the whole record
    return name === name.toLowerCase() ? linesOf(name, this.#headers.get(name) ?? undefined) : undefined;
  }

  has(record: HeaderRecord, name: string | symbol): boolean {
    return Reflect.has(this.#complete(record), name);
  }

  ownKeys(record: HeaderRecord): (string | symbol)[] {
    return Reflect.ownKeys(this.#complete(record));
  }

  getOwnPropertyDescriptor(record: HeaderRecord, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#complete(record), name);
  }

  #complete(record: HeaderRecord): HeaderRecord {
    if (this.#isComplete) return record;
    this.#isComplete = true;
    this.#headers.forEach((value, name) => (record[name] = linesOf(name, value)));
    return record;
  }
}

function linesOf(name: string, value: string | undefined): string | string[] | undefined {
  return name === 'authorization' && value?.includes(',') ? value.split(',') : value;
}
