import type { SessionConfig } from '../config.js';
import type { LoginParameters } from '../oidc/login-client.js';
import { safeReturnTo } from '../return-to.js';

const PROMPTS = ['login', 'consent', 'none', 'select_account', 'create'] as const;
const MAX_ACR_LENGTH = 500;
const MAX_HINT_LENGTH = 320;
/** OpenID Connect Core s3.1.2.1: values with one space between them. */
const ACR_VALUES = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;
const MAX_AGE = /^\d{1,9}$/;
// eslint-disable-next-line no-control-regex -- these are the characters that are refused
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/;

/** Returns what a request to the login route asks for; undefined if a parameter is there twice or makes no sense. A bad `returnTo` becomes `/`. */
export function loginParametersOf(query: URLSearchParams, { origin }: Pick<SessionConfig, 'origin'>): LoginParameters | undefined {
  const acrValues = single(query, 'acr_values', 'acrValues');
  const maxAge = single(query, 'max_age', 'maxAge');
  const prompt = single(query, 'prompt');
  const loginHint = single(query, 'login_hint', 'loginHint');
  const known = PROMPTS.find((one) => one === prompt);
  if (acrValues !== undefined && (acrValues === null || acrValues.length > MAX_ACR_LENGTH || !ACR_VALUES.test(acrValues))) return undefined;
  if (maxAge !== undefined && (maxAge === null || !MAX_AGE.test(maxAge))) return undefined;
  if (prompt !== known) return undefined;
  if (loginHint !== undefined && (loginHint === null || loginHint.length > MAX_HINT_LENGTH || CONTROLS.test(loginHint))) return undefined;
  return {
    returnTo: safeReturnTo(single(query, 'returnTo'), origin),
    acrValues,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    prompt: known,
    loginHint,
    isRetry: query.get('retry') === '1',
  };
}

/** Returns the address of the login route with the same parameters. */
export function loginAddress({ returnTo, acrValues, maxAge, prompt, loginHint, isRetry }: LoginParameters, { path }: Pick<SessionConfig, 'path'>): string {
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined): void => void (value !== undefined && query.set(name, String(value)));
  if (returnTo !== '/') set('returnTo', returnTo);
  set('acr_values', acrValues);
  set('max_age', maxAge);
  set('prompt', prompt);
  set('login_hint', loginHint);
  if (isRetry === true) set('retry', 1);
  const text = query.toString();
  return `${path}/login${text === '' ? '' : `?${text}`}`;
}

/** Returns the only value of a parameter, of which there may be two spellings; undefined if it is missing or empty, null if there are several. */
function single(query: URLSearchParams, ...names: readonly string[]): string | null | undefined {
  const values = names.flatMap((name) => query.getAll(name)).filter((value) => value !== '');
  return values.length > 1 ? null : values[0];
}
