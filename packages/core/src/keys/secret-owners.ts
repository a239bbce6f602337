import { createHmac } from 'node:crypto';

/** The secrets of one issuer of a guard. */
export interface SecretOwner {
  /**
   * Registers the issuer's secrets in place of earlier ones. Several owners with the same issuer may share a secret: a resolver may return new options
   * for an issuer while the old ones are still in use.
   *
   * @param prints see {@link printsOf}
   * @returns false if another issuer has one of them, so that each could sign for the other. Nothing changes then
   */
  take(issuer: string, prints: readonly string[]): boolean;
  /** Removes the issuer's secrets. */
  release(): void;
}

export const SHARED_BETWEEN_ISSUERS = 'a secret that another issuer has too: each could sign tokens of the other. Use different secrets';

/** Returns a function that creates an owner for each issuer of a guard. Together they detect secrets that two issuers share. */
export function secretOwners(): () => SecretOwner {
  const owners = new Map<string, Map<object, string>>();

  return function createOwner() {
    const self = {};
    let owned: readonly string[] = [];

    function release(): void {
      for (const print of owned) {
        const ofPrint = owners.get(print);
        ofPrint?.delete(self);
        if (ofPrint?.size === 0) owners.delete(print);
      }
      owned = [];
    }

    return {
      take(issuer, prints) {
        const isTaken = prints.some((print) => [...(owners.get(print) ?? [])].some(([owner, name]) => owner !== self && name !== issuer));
        if (isTaken) return false;
        release();
        for (const print of prints) {
          const ofPrint = owners.get(print) ?? new Map<object, string>();
          owners.set(print, ofPrint.set(self, issuer));
        }
        owned = prints;
        return true;
      },
      release,
    };
  };
}

const HASHES = ['sha256', 'sha384', 'sha512'];
const MESSAGE = 'tokenward: whose secret is this?';

/**
 * Returns fingerprints of secrets, to compare them. Different texts can be the same HMAC key (RFC 2104 s2: one ends with zeros, or is the hash of the
 * other). A fingerprint is a MAC, so it is equal for these. White space around a secret is ignored, since a file or a variable may add it.
 */
export function printsOf(secrets: readonly Buffer[]): readonly string[] {
  const texts = secrets.flatMap((secret) => {
    const bare = withoutSpaceAround(secret);
    return bare.length === secret.length || bare.length === 0 ? [secret] : [secret, bare];
  });
  return [...new Set(texts.flatMap((text) => HASHES.map((hash) => createHmac(hash, text).update(MESSAGE).digest('base64'))))];
}

function withoutSpaceAround(bytes: Buffer): Buffer {
  let [start, end] = [0, bytes.length];
  while (start < end && isBlank(bytes[start]!)) start++;
  while (end > start && isBlank(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}

/** Whether a byte is ASCII white space or zero. */
function isBlank(byte: number): boolean {
  return byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
