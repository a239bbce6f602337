import { types } from 'node:util';
import { returnsTrue, shown, type OptionReader } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import { isLoginValue, MAX_LOGIN_VALUE_LENGTH } from '../routes/login-value.js';
import { MAX_PARAMETERS, PARAMETER_NAME, reservedRemedy } from './reserved-parameters.js';

type Rule = (value: string) => boolean;

const RULES = 'must be a list of values, a regular expression, or a function that returns true for the values that are accepted';
const MAX_VALUES = 10_000;

/** Parameters that a page must not choose, besides those that nobody sets. They say what the app asks for, or are the login route's own. */
const NOT_FOR_PAGES: ReadonlyMap<string, string> = new Map([
  ['authorization_details', 'A link must not choose what the app may do. Use authorizationParameters'],
  ['claims', 'A link must not choose what the app asks for. Use authorizationParameters'],
  ['registration', 'Leave it out'],
  ['acrvalues', 'The login route takes it in any case'],
  ['loginhint', 'Write login_hint'],
  ['maxage', 'The login route takes it in any case'],
  ['prompt', 'The login route takes it in any case'],
  ['retry', 'The login route itself has a parameter of this name'],
  ['returnto', 'The login route takes it in any case'],
]);

/** Reads which parameters of the authorization request a page may choose, and which values of them. */
export function readLoginParameters(reader: OptionReader, name: string): SessionConfig['loginParameters'] {
  const rules = new Map<string, Rule>();
  const value = reader.get(name);
  if (value === undefined) return rules;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    reader.wrong(name, `must be an object, such as { organization: ['org_1', 'org_2'] } (got ${shown(value)})`);
    return rules;
  }
  // own members only
  const entries = Object.entries(value);
  if (entries.length > MAX_PARAMETERS) reader.wrong(name, `must have at most ${MAX_PARAMETERS} parameters (got ${entries.length})`);
  for (const [parameter, given] of entries) {
    if (!PARAMETER_NAME.test(parameter)) {
      reader.wrong(name, `has a parameter whose name is not 1 to 60 letters, digits, "_", "-" or "."`);
      continue;
    }
    const remedy = NOT_FOR_PAGES.get(parameter.toLowerCase()) ?? reservedRemedy(parameter);
    if (remedy !== undefined) reader.wrong(`${name}.${parameter}`, `cannot be chosen by a page in this way. ${remedy}`);
    else rules.set(parameter, ruleOf(reader, `${name}.${parameter}`, given));
  }
  return rules;
}

function ruleOf(reader: OptionReader, path: string, given: unknown): Rule {
  if (Array.isArray(given)) return listRule(reader, path, given);
  if (types.isRegExp(given)) return wholeRule(reader, path, given);
  if (types.isAsyncFunction(given)) reader.wrong(path, 'must not be an async function: the login does not wait. Return true or false');
  else if (typeof given === 'function') return (value) => returnsTrue(() => (given as (value: string) => unknown)(value));
  else reader.wrong(path, `${RULES} (got ${shown(given)})`);
  return () => false;
}

function listRule(reader: OptionReader, path: string, given: readonly unknown[]): Rule {
  const values = Array.from(given);
  if (values.length === 0 || values.length > MAX_VALUES) reader.wrong(path, `must list 1 to ${MAX_VALUES} values (got ${values.length})`);
  const wrong = values.findIndex((one) => !isLoginValue(one));
  if (wrong !== -1) reader.wrong(`${path}[${wrong}]`, `must be a string of 1 to ${MAX_LOGIN_VALUE_LENGTH} printable characters (got ${shown(values[wrong])})`);
  // a copy, so that later changes of the list have no effect
  const accepted = new Set(values);
  return (value) => accepted.has(value);
}

/** Accepts only values that match as a whole: an expression without `^` and `$` would also accept text around the match. */
function wholeRule(reader: OptionReader, path: string, { source, flags }: RegExp): Rule {
  if (/[gy]/.test(flags)) reader.wrong(path, 'has the flag g or y, with which its result depends on earlier calls. Remove the flag');
  const whole = new RegExp(`^(?:${source})$`, flags.replace(/[gym]/g, ''));
  return (value) => whole.test(value);
}
