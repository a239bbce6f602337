import { MAX_ACR_VALUES_LENGTH } from '@tokenward/core/adapter';
import type { SessionConfig } from '../config.js';
import type { LoginParameters } from '../oidc/login-client.js';
import { safeReturnTo } from '../return-to.js';
import { isLoginValue } from './login-value.js';

const PROMPTS = ['login', 'consent', 'none', 'select_account', 'create'] as const;
const MAX_HINT_LENGTH = 320;
/** OpenID Connect Core s3.1.2.1: values with one space between them. */
const ACR_VALUES = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
const MAX_AGE = /^\d{1,9}$/;
const LOGIN_HINT = 'login_hint';

/**
 * Returns what a request to the login route asks for. Returns undefined if a parameter is duplicated or invalid, or has a value that the option `loginParameters`
 * does not accept. An invalid `returnTo` becomes `/`. Unknown parameters are ignored.
 */
export function loginParametersOf(
  query: URLSearchParams,
  { origin, loginParameters }: Pick<SessionConfig, 'origin' | 'loginParameters'>,
): LoginParameters | undefined {
  const acrValues = single(query, 'acr_values', 'acrValues');
  const maxAge = single(query, 'max_age', 'maxAge');
  const prompt = single(query, 'prompt');
  const loginHint = single(query, LOGIN_HINT, 'loginHint');
  const known = PROMPTS.find((one) => one === prompt);
  const more = chosenOf(query, loginParameters);
  if (acrValues !== undefined && (acrValues === null || acrValues.length > MAX_ACR_VALUES_LENGTH || !ACR_VALUES.test(acrValues))) return undefined;
  if (maxAge !== undefined && (maxAge === null || !MAX_AGE.test(maxAge))) return undefined;
  if (prompt !== known) return undefined;
  if (loginHint !== undefined && !(isLoginValue(loginHint) && loginHint.length <= MAX_HINT_LENGTH)) return undefined;
  // everybody may give a hint, unless the option says which
  if (loginHint !== undefined && loginParameters.get(LOGIN_HINT)?.(loginHint) === false) return undefined;
  if (!more) return undefined;
  return {
    returnTo: safeReturnTo(single(query, 'returnTo'), origin),
    acrValues,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    prompt: known,
    loginHint,
    more,
    isRetry: query.get('retry') === '1',
  };
}

/** Returns the parameters that the option names, with their values; undefined if one of them is not accepted. */
function chosenOf(query: URLSearchParams, rules: SessionConfig['loginParameters']): LoginParameters['more'] | undefined {
  const chosen: (readonly [string, string])[] = [];
  for (const [name, accepts] of rules) {
    if (name === LOGIN_HINT) continue;
    const value = single(query, name);
    if (value === undefined) continue;
    if (!isLoginValue(value) || !accepts(value)) return undefined;
    chosen.push([name, value]);
  }
  return chosen;
}

/** Returns the address of the login route with the same parameters. */
export function loginAddress(
  { returnTo, acrValues, maxAge, prompt, loginHint, more = [], isRetry }: LoginParameters,
  { path }: Pick<SessionConfig, 'path'>,
): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined): void => void (value !== undefined && query.set(name, String(value)));
  if (returnTo !== '/') set('returnTo', returnTo);
  set('acr_values', acrValues);
  set('max_age', maxAge);
  set('prompt', prompt);
  set(LOGIN_HINT, loginHint);
  for (const [name, value] of more) set(name, value);
  if (isRetry === true) set('retry', 1);
  const text = query.toString();
  return `${path}/login${text === '' ? '' : `?${text}`}`;
}

/** Returns the only value of a parameter, of which there may be two spellings; undefined if it is missing or empty, null if there are several. */
function single(query: URLSearchParams, ...names: readonly string[]): string | null | undefined {
  const values = names.flatMap((name) => query.getAll(name)).filter((value) => value !== '');
  return values.length > 1 ? null : values[0];
}
