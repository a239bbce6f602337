import { createHmac } from 'node:crypto';

/** One issuer's secrets, among those of all issuers of a guard. */
export interface SecretOwner {
  /**
   * Takes secrets in place of those that this issuer had. Two readings of one issuer may have the same, as while its options change.
   *
   * @param prints see {@link printsOf}
   * @returns false, and nothing changes, where another issuer has one of them: each could then sign for the other
   */
  take(issuer: string, prints: readonly string[]): boolean;
  /** They are nobody's from now on. */
  release(): void;
}

export const SHARED_BETWEEN_ISSUERS = 'a secret that another issuer has, too: each could sign for the other';

/** Notices where two issuers have the same secret, wherever it was read from, and whenever. */
export function secretOwners(): () => SecretOwner {
  const holders = new Map<string, Map<object, string>>();

  return function createOwner() {
    const self = {};
    let held: readonly string[] = [];

    function release(): void {
      for (const print of held) {
        const ofPrint = holders.get(print);
        ofPrint?.delete(self);
        if (ofPrint?.size === 0) holders.delete(print);
      }
      held = [];
    }

    return {
      take(issuer, prints) {
        const isTaken = prints.some((print) => [...(holders.get(print) ?? [])].some(([holder, name]) => holder !== self && name !== issuer));
        if (isTaken) return false;
        release();
        for (const print of prints) {
          const ofPrint = holders.get(print) ?? new Map<object, string>();
          holders.set(print, ofPrint.set(self, issuer));
        }
        held = prints;
        return true;
      },
      release,
    };
  };
}

const HASHES = ['sha256', 'sha384', 'sha512'];
const MESSAGE = 'tokenward: whose secret is this?';

/**
 * By what secrets are compared: what each of them signs, so that two texts which are one key to HMAC (RFC 2104 s2: with zeros at the end, or one the
 * hash of the other) are one here; and once more without what a file or variable may have added at its ends.
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

/** White space in ASCII, and zeros. */
function isBlank(byte: number): boolean {
  return byte === 0 || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
