/** Parameters whose values would let somebody else act in our place. They are never printed in full. */
const SECRETS = new Set(['access_token', 'refresh_token', 'id_token', 'code', 'code_verifier', 'state', 'nonce', 'id_token_hint', 'xsrf', 'logout_token']);

/** Longer values are cut, such as a key's modulus. */
const MAX_LENGTH = 80;

/** Returns a parameter's value, cut if its name says that it is a secret or if it is too long. */
export function shortened(name: string, value: string): string {
  if (name === 'password') return '********';
  if (SECRETS.has(name)) return cut(value);
  return value.length > MAX_LENGTH ? `${value.slice(0, MAX_LENGTH)}...` : value;
}

/** Returns `eyJhbGciOi...x9Qw`: enough to tell two tokens apart, too little to use one. */
export function cut(secret: string): string {
  return secret.length > 24 ? `${secret.slice(0, 10)}...${secret.slice(-4)}` : `${secret.slice(0, 3)}...`;
}

/** Returns an Authorization header's value with its credentials cut. */
export function shortenedCredentials(value: string): string {
  const [scheme, ...credentials] = value.split(' ');
  return `${scheme} ${cut(credentials.join(' '))}`;
}

/** Returns a copy of a JSON document with its secrets cut. */
export function withoutSecrets(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (name, value: unknown) => (typeof value === 'string' ? shortened(name, value) : value));
}
