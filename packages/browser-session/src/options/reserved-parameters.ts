/** Parameters of the authorization request that neither an option nor a page may set. The value says what to do instead. */
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

/** Returns what to do instead of setting a parameter; undefined if it may be set. The case of the name is ignored, as some servers ignore it. */
export function reservedRemedy(parameter: string): string | undefined {
  const remedy = RESERVED.get(parameter.toLowerCase());
  return remedy === '' ? 'Leave it out' : remedy;
}

export const PARAMETER_NAME = /^[\w.-]{1,60}$/;
export const MAX_PARAMETERS = 30;
