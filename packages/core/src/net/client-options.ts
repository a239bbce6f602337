import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { signingAlgorithms, type PrivateKeyOption } from './assertion-key.js';
import type { TlsParts } from './transport.js';

/** How a client authenticates at an authorization server: RFC 6749 s2.3, RFC 7523 s2.2, RFC 8705 s2. */
export type ClientAuthentication = (typeof CLIENT_AUTHENTICATIONS)[number];

export const CLIENT_AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'none'] as const;
/** Methods of OpenID Connect Core s9 and RFC 8705 that are not supported. A message may repeat them. */
const OTHER_METHODS = ['client_secret_jwt', 'self_signed_tls_client_auth'];
/** A line break at the end of a file would be part of the secret, and the server would refuse each call. */
export const SPACE_AROUND = 'begins or ends with white space, such as the line break at the end of a file. Remove it, for example with trim()';

export function readClientAuthentication(reader: OptionReader, name: string): ClientAuthentication | undefined {
  return readMethod(reader, name, CLIENT_AUTHENTICATIONS);
}

/** Reads a method of authentication that is one of `methods`. */
export function readMethod<M extends string>(reader: OptionReader, name: string, methods: readonly M[]): M | undefined {
  const value = reader.get(name);
  if (value === undefined) return undefined;
  const method = methods.find((one) => one === value);
  if (method === undefined) reader.wrong(name, `must be one of ${methods.join(', ')} (got ${shown(value, [...CLIENT_AUTHENTICATIONS, ...OTHER_METHODS])})`);
  return method;
}

/**
 * Returns how the client authenticates, and checks that exactly the credentials for it are there. Options that would have no effect are problems too: their
 * author expects an effect.
 */
export function checkClientAuthentication(
  reader: OptionReader,
  chosen: ClientAuthentication | undefined,
  secret: unknown,
  name = 'clientAuthentication',
): ClientAuthentication {
  const has = (name: string): boolean => reader.get(name) !== undefined;
  const method =
    chosen ?? (has('clientSecret') ? 'client_secret_basic' : has('privateKey') ? 'private_key_jwt' : has('tls') ? 'tls_client_auth' : 'client_secret_basic');
  const usesSecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (usesSecret && (typeof secret !== 'string' || secret === ''))
    reader.wrong('clientSecret', `is missing, empty or not a string, and ${name} ${method} needs it. Set it, or choose another ${name}`);
  else if (usesSecret && hasSpaceAround(secret as string)) reader.wrong('clientSecret', SPACE_AROUND);
  else if (!usesSecret && secret !== undefined)
    reader.wrong('clientSecret', `cannot be combined with ${name} ${method}, which sends no secret. Leave one of them out`);
  if (method === 'private_key_jwt' && !has('privateKey')) reader.wrong('privateKey', `is missing, and ${name} private_key_jwt needs it`);
  if (method !== 'private_key_jwt' && has('privateKey')) reader.wrong('privateKey', `cannot be combined with ${name} ${method}. Leave one of them out`);
  if (method === 'tls_client_auth' && !has('tls') && !has('fetch'))
    reader.wrong('tls', `is missing, and ${name} tls_client_auth needs it. Set it to the client certificate and its key`);
  if (has('tls') && has('fetch'))
    reader.wrong('tls', 'cannot be combined with fetch, which opens its own connections. Give the certificate to that fetch, and leave tls out');
  return method;
}

export function readPrivateKey(reader: OptionReader, name: string): PrivateKeyOption | undefined {
  if (reader.get(name) === undefined) return undefined;
  const inner = reader.inner(name, ['key', 'kid', 'algorithm']);
  const key = inner.get('key');
  const kid = inner.get('kid') === undefined ? undefined : inner.text('kid', '');
  const algorithm = inner.get('algorithm') === undefined ? undefined : inner.text('algorithm', '');
  const parsed = parsedKey(key);
  if (!parsed) {
    // the message never repeats the key
    inner.wrong('key', 'must be a private key: PEM in PKCS #8 ("BEGIN PRIVATE KEY"), or a JWK with its private members');
    return undefined;
  }
  const algorithms = signingAlgorithms(parsed);
  if (algorithms.length === 0) inner.wrong('key', 'is of a kind that cannot sign. Use RSA with at least 2048 bits, P-256, P-384, P-521 or Ed25519');
  else if (algorithm !== undefined && !algorithms.includes(algorithm))
    inner.wrong('algorithm', `must be one of ${algorithms.join(', ')} for this key (got ${shown(algorithm, algorithms)})`);
  return { key: key as string, kid, algorithm };
}

function parsedKey(key: unknown): KeyObject | undefined {
  try {
    if (typeof key === 'string') return createPrivateKey(key);
    if (typeof key === 'object' && key !== null) return createPrivateKey({ key: { ...key } as never, format: 'jwk' });
  } catch {
    // the parser's message may quote the key
  }
  return undefined;
}

export function readTls(reader: OptionReader, name: string): TlsParts | undefined {
  if (reader.get(name) === undefined) return undefined;
  const inner = reader.inner(name, ['cert', 'key', 'ca']);
  const cert = inner.text('cert', '');
  const key = inner.text('key', '');
  const ca = inner.get('ca') === undefined ? undefined : inner.text('ca', '');
  for (const part of ['cert', 'key']) if (inner.get(part) === undefined) inner.wrong(part, 'is missing: set it to the text of the PEM file');
  const certificate = cert === '' ? undefined : certificateOf(cert);
  if (cert !== '' && !certificate) inner.wrong('cert', 'must be a certificate in PEM ("BEGIN CERTIFICATE"). Give the text of the file, not its name');
  if (ca !== undefined && ca !== '' && !certificateOf(ca))
    inner.wrong('ca', 'must be a certificate in PEM ("BEGIN CERTIFICATE"). Give the text of the file, not its name');
  const parsed = key === '' ? undefined : parsedKey(key);
  if (key !== '' && !parsed) inner.wrong('key', 'must be a private key in PEM ("BEGIN PRIVATE KEY"). Give the text of the file, not its name');
  if (certificate && parsed && !certificate.checkPrivateKey(parsed)) inner.wrong('key', 'is not the key of the certificate in cert');
  return { cert, key, ca };
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

export function hasSpaceAround(text: string): boolean {
  return text !== text.trim();
}
