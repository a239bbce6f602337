import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { CannotRunError } from '../errors.js';
import { createPrivateFile, readPrivateFile } from '../lib/private-files.js';

/** The key that signs the tokens. */
export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** Generates a key for RS256, the algorithm that every library knows. */
export async function generateIssuerKey(): Promise<IssuerKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return { kid: `local-${randomBytes(6).toString('hex')}`, privateKey };
}

/** Returns the key as oidc-provider takes it. */
export function privateJwkOf({ kid, privateKey }: IssuerKey): Record<string, unknown> {
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

/** Returns the key as it is published. */
export function publicJwkOf({ kid, privateKey }: IssuerKey): Record<string, unknown> {
  return { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

/**
 * Reads the key from a file, so that tokens stay valid when the issuer starts again. If there is no file, it is created, for this user alone.
 *
 * @throws CannotRunError if others can read the file, or if it contains no key
 */
export async function keepIssuerKey(path: string, shownPath: string): Promise<IssuerKey> {
  const content = await readPrivateFile(path);
  if (content !== undefined) return keyOf(content, shownPath);
  const key = await generateIssuerKey();
  try {
    await createPrivateFile(path, `${JSON.stringify({ keys: [privateJwkOf(key)] }, null, 2)}\n`);
  } catch (error) {
    throw new CannotRunError(
      `the file of --keys cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}). Name a file in a folder that exists, and that is yours`,
    );
  }
  return key;
}

function keyOf(content: string, shownPath: string): IssuerKey {
  try {
    const { keys } = JSON.parse(content) as { readonly keys: readonly { readonly kid: unknown }[] };
    const [jwk] = keys;
    const privateKey = createPrivateKey({ key: jwk as object as JsonWebKey, format: 'jwk' });
    if (typeof jwk?.kid === 'string' && privateKey.asymmetricKeyType === 'rsa' && privateKey.asymmetricKeyDetails!.modulusLength! >= 2048) {
      return { kid: jwk.kid, privateKey };
    }
  } catch {
    // what is wrong with it may quote the key
  }
  throw new CannotRunError(`${shownPath} must be a JWK set with one private RSA key of 2048 bits or more, and its kid. Remove the file to get a new key`);
}
