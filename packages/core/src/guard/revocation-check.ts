import type { Auth } from '../auth/auth.js';
import type { DenialDetails } from '../decision/denial.js';
import { createBackgroundRetry } from '../lib/background-retry.js';
import type { Clock } from '../lib/clock.js';
import { classOf } from '../lib/thrown.js';
import type { RevocableToken, RevocationRecord } from '../revocation/revocation.js';
import { RevocationStoreError, type RevocationHealth, type RevocationStore } from '../revocation/store.js';
import { WITHOUT_ISSUED_AT } from '../vocabulary/revocation-words.js';

/** Why the revocation check refuses a token. */
export interface RevocationFailure {
  readonly reason: 'revoked' | 'revocations_unavailable';
  readonly details: DenialDetails;
  /** The revocation that covers the token; undefined if the store cannot be read. */
  readonly record?: RevocationRecord;
}

/** Checks tokens against a store of revocations. A store that users wrote may throw in any method. */
export interface RevocationCheck {
  /** Returns why a token must be refused now; undefined if it was not revoked. */
  failureOf(auth: Auth, nowSeconds: number): RevocationFailure | undefined;
  /** Returns whether a token is known to be revoked; false if the store cannot be read, so that the next check decides. */
  isRevoked(token: RevocableToken): boolean;
  /** @throws RevocationStoreError if the store cannot be read yet; the check keeps retrying in the background */
  warm(): Promise<void>;
  health(): RevocationHealth;
  close(): void;
}

export function createRevocationCheck(store: RevocationStore, clock: Pick<Clock, 'now'>): RevocationCheck {
  // without it, a store that failed would stay unavailable until a request or a readiness probe asked for it
  const retry = createBackgroundRetry(warmStore);

  /** Turns an exception of the store into a rejection. */
  async function warmStore(): Promise<void> {
    await store.warm();
  }

  return {
    failureOf(auth, nowSeconds) {
      let record: RevocationRecord | undefined;
      try {
        if (!store.isCurrent()) {
          retry.begin();
          return unavailable(store.health().lastError);
        }
        record = store.find(auth, nowSeconds);
      } catch (thrown) {
        return unavailable(errorText(thrown));
      }
      return record && { reason: 'revoked', details: { cause: revokedCause(record, auth) }, record };
    },
    isRevoked(token) {
      try {
        return store.find(token, clock.now() / 1000) !== undefined;
      } catch {
        return false;
      }
    },
    warm() {
      const warming = warmStore();
      warming.catch(() => retry.begin());
      return warming;
    },
    health() {
      try {
        return store.health();
      } catch (thrown) {
        return { entries: 0, usable: false, ageSeconds: undefined, uncheckedRequests: 0, lastError: errorText(thrown) };
      }
    },
    close: () => retry.close(),
  };
}

function unavailable(cause: unknown): RevocationFailure {
  return { reason: 'revocations_unavailable', details: { cause, retryAfterSeconds: 1 } };
}

/** An error of a user's store may quote a token's claims, or a URL with a password. So only its class is shown. */
function errorText(thrown: unknown): string {
  return thrown instanceof RevocationStoreError ? thrown.message : `the store threw ${classOf(thrown)}`;
}

/** A token without `iat` counts as issued before every revocation, so even new tokens are refused. The cause tells operators why. */
function revokedCause({ kind, reason, until }: RevocationRecord, { issuedAt }: Auth): string {
  const cause = `${kind}: ${reason}`;
  if (issuedAt !== undefined || kind === 'token') return cause;
  return `${cause}; ${WITHOUT_ISSUED_AT}${until === Infinity ? '. It stays refused, because the revocation had no until' : ''}`;
}
