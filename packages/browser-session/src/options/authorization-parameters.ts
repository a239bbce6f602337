import { shown, type OptionReader } from '@tokenward/core/store';

/** Set by this package, or dangerous in a URL or in every login alike. The value says what to do instead. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['acr_values', 'Ask for it at the login: login?acr_values=...'],
  ['audience', 'Use the option audience'],
  ['client_assertion', 'Use the option privateKey'],
  ['client_assertion_type', 'Use the option privateKey'],
  ['client_id', 'Use the option clientId'],
  ['client_secret', 'Use the option clientSecret. It must not be in a URL'],
  ['code', ''],
  ['code_challenge', ''],
  ['code_challenge_method', ''],
  ['code_verifier', ''],
  ['dpop_jkt', ''],
  ['id_token_hint', ''],
  ['max_age', 'Ask for it at the login: login?max_age=...'],
  ['nonce', ''],
  ['redirect_uri', 'It is the origin with <path>/callback'],
  ['request', ''],
  ['request_uri', ''],
  ['resource', 'Use the option resource'],
  ['response_mode', ''],
  ['response_type', ''],
  ['scope', 'Use the option scope'],
  ['state', ''],
]);
const MAX_PARAMETERS = 30;
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
    const remedy = RESERVED.get(parameter);
    const path = /^[\w.-]{1,60}$/.test(parameter) ? `${name}.${parameter}` : name;
    if (path === name) reader.wrong(name, `has a parameter whose name is not 1 to 60 letters, digits, "_", "-" or "."`);
    else if (remedy !== undefined)
      reader.wrong(path, `is set by this package, or cannot be the same for every login. ${remedy === '' ? 'Leave it out' : remedy}`);
    else if (typeof text !== 'string' || text.length > MAX_VALUE_LENGTH)
      reader.wrong(path, `must be a string of at most ${MAX_VALUE_LENGTH} characters (got ${shown(text)})`);
  }
  // without a prototype: only own members count
  return Object.freeze(Object.assign(Object.create(null) as Record<string, string>, value));
}
