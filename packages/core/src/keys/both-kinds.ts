import { MAC_ALGORITHMS } from '../jose/algorithms.js';
import { joinedErrors } from '../lib/joined-errors.js';
import type { KeySource } from './key-source.js';

const MACS: ReadonlySet<string> = new Set(MAC_ALGORITHMS);

/**
 * Combines secrets and public keys. Each source is used only for the algorithms of its kind, so that a public key never serves as a secret.
 *
 * @param ownsPublicKeys whether `close` closes the public keys too. It must not if other issuers share them
 */
export function keysOfBothKinds(secrets: KeySource, publicKeys: KeySource, ownsPublicKeys: boolean): KeySource {
  const ofKind = (algorithm: string): KeySource => (MACS.has(algorithm) ? secrets : publicKeys);
  return {
    cachedKeys: (algorithm, keyId) => ofKind(algorithm).cachedKeys(algorithm, keyId),
    fetchKeys: (algorithm, keyId) => ofKind(algorithm).fetchKeys(algorithm, keyId),
    markVerified: () => publicKeys.markVerified(),
    isBusy: () => publicKeys.isBusy(),
    warm: () => publicKeys.warm(),
    close() {
      secrets.close();
      if (ownsPublicKeys) publicKeys.close();
    },
    health() {
      const health = publicKeys.health();
      return { ...health, lastError: joinedErrors(health.lastError, secrets.health().lastError) };
    },
  };
}
