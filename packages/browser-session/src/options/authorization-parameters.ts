import { shown, type OptionReader } from '@tokenward/core/store';
import { MAX_PARAMETERS, PARAMETER_NAME, reservedRemedy } from './reserved-parameters.js';

const MAX_VALUE_LENGTH = 2000;

/** Reads more parameters of the authorization request. */
export function readAuthorizationParameters(reader: OptionReader, name: string): Readonly<Record<string, string>> {
  const value = reader.get(name);
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    reader.wrong(name, `must be an object of strings (got ${shown(value)})`);
    return {};
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_PARAMETERS) reader.wrong(name, `must have at most ${MAX_PARAMETERS} parameters (got ${entries.length})`);
  for (const [parameter, text] of entries) {
    const remedy = reservedRemedy(parameter);
    const path = PARAMETER_NAME.test(parameter) ? `${name}.${parameter}` : name;
    if (path === name) reader.wrong(name, `has a parameter whose name is not 1 to 60 letters, digits, "_", "-" or "."`);
    else if (remedy !== undefined) reader.wrong(path, `is set by this package, or cannot be the same for every login. ${remedy}`);
    else if (typeof text !== 'string' || text.length > MAX_VALUE_LENGTH)
      reader.wrong(path, `must be a string of at most ${MAX_VALUE_LENGTH} characters (got ${shown(text)})`);
  }
  // without a prototype: only own members count
  return Object.freeze(Object.assign(Object.create(null) as Record<string, string>, value));
}
