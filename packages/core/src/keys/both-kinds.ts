import { MAC_ALGORITHMS } from '../jose/algorithms.js';
import type { KeySource } from './key-source.js';

const MACS: ReadonlySet<string> = new Set(MAC_ALGORITHMS);

/**
 * Secrets and public keys side by side. Each is asked for the algorithms of its kind alone, so that neither can stand for the other.
 *
 * @param ownsPublicKeys whether they are to be closed with the secrets: not where other issuers have them, too
 */
export function keysOfBothKinds(secrets: KeySource, publicKeys: KeySource, ownsPublicKeys: boolean): KeySource {
  const ofKind = (algorithm: string): KeySource => (MACS.has(algorithm) ? secrets : publicKeys);
  return {
    held: (algorithm, keyId) => ofKind(algorithm).held(algorithm, keyId),
    newer: (algorithm, keyId) => ofKind(algorithm).newer(algorithm, keyId),
    verified: () => publicKeys.verified(),
    isBusy: () => publicKeys.isBusy(),
    warm: () => publicKeys.warm(),
    close() {
      secrets.close();
      if (ownsPublicKeys) publicKeys.close();
    },
    health() {
      const health = publicKeys.health();
      return { ...health, lastError: health.lastError ?? secrets.health().lastError };
    },
  };
}
