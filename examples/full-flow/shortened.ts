/** Values with which somebody else could go on in our place. They are never printed whole. */
const SECRETS = new Set(['access_token', 'refresh_token', 'id_token', 'code', 'code_verifier', 'state', 'nonce', 'id_token_hint', 'xsrf', 'logout_token']);

/** What is merely long, such as a key's modulus. */
const MAX_LENGTH = 80;

/** The value of a parameter or member, cut when its name says that it is a secret, or when it fills more than a line. */
export function shortened(name: string, value: string): string {
  if (name === 'password') return '********';
  if (SECRETS.has(name)) return cut(value);
  return value.length > MAX_LENGTH ? `${value.slice(0, MAX_LENGTH)}...` : value;
}

/** `eyJhbGciOi...x9Qw`: enough to tell two tokens apart, too little to use one. */
export function cut(secret: string): string {
  return secret.length > 24 ? `${secret.slice(0, 10)}...${secret.slice(-4)}` : `${secret.slice(0, 3)}...`;
}

/** The value of an Authorization field: the scheme stays. */
export function shortenedCredentials(value: string): string {
  const [scheme, ...credentials] = value.split(' ');
  return `${scheme} ${cut(credentials.join(' '))}`;
}

/** A JSON document with its secrets cut. */
export function withoutSecrets(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (name, value: unknown) => (typeof value === 'string' ? shortened(name, value) : value));
}
