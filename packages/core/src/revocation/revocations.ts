import { misuse } from '../lib/configuration-error.js';
import type { Clock } from '../lib/clock.js';
import { publish } from '../events/events.js';
import { MAX_CLOCK_SKEW_SECONDS } from '../issuer/read-claim-rules.js';
import type { Issuers } from '../issuer/issuer.js';
import { type OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { readRevocation, recordsOf, type RevocationOptions, type RevocationRules, type RevocationTarget } from './revocation.js';
import { memoryRevocations, type RevocationStore } from './store.js';

/** How tokens are revoked before they end. */
export interface RevocationsOptions {
  /** Shared by a fleet: `redisRevocations(...)` of `@tokenward/redis`, or your own. Default: this process alone, in memory. */
  readonly store?: RevocationStore | undefined;
  /**
   * How long a revocation is kept that does not say `until`: as long as the issuer's tokens live, or longer. Tokens that live longer still, and may
   * have been hit, are refused when it is forgotten. Default: 86400.
   */
  readonly retentionSeconds?: number | undefined;
  /**
   * How far the issuer's clock may be ahead of this one: tokens that say that they were issued so long after their revocation are still hit, and a
   * new login counts from then on. Where an issuer was seen to be further ahead, that counts. Default: 5.
   */
  readonly clockSkewSeconds?: number | undefined;
}

/** Revokes tokens at this API, and at all that share its store. It does not tell the authorization server: see `revokeAtIssuer`. */
export interface Revocations {
  /**
   * Refuses tokens that were issued up to now with 401, from the next request on.
   *
   * @throws ConfigurationError where the call can't be right
   * @throws RevocationStoreError where it holds in this process, and the others could not be told yet; they will be
   *
   * @example await guard.revocations.revoke({ sessionId: auth.sessionId }, { reason: 'logout' });
   */
  revoke(target: RevocationTarget, options?: RevocationOptions): Promise<void>;
  /**
   * A subject's roles or scopes have changed: tokens issued up to now are refused with 401, so that clients fetch new ones, which count.
   *
   * @throws as {@link Revocations.revoke} does
   */
  subjectChanged(target: { readonly subject: string; readonly issuer?: string | undefined }, options?: RevocationOptions): Promise<void>;
}

export interface RevocationsConfig extends RevocationRules {
  readonly store: RevocationStore;
}

const STORE_METHODS = ['add', 'find', 'isCurrent', 'onAdded', 'onOverflow', 'warm', 'health', 'close'] as const satisfies readonly (keyof RevocationStore)[];

const REVOCATIONS = {
  store: readStore,
  retentionSeconds: numberOption(86_400, { least: 60, most: 31_536_000 }),
  clockSkewSeconds: numberOption(5, { least: 0, most: 300 }),
} satisfies OptionTable<RevocationsOptions>;

export function readRevocations(reader: OptionReader): () => RevocationsConfig {
  const { store, ...rules } = readInnerTable(reader, 'revocations', REVOCATIONS);
  return () => ({ store: store ?? memoryRevocations(), ...rules });
}

function readStore(reader: OptionReader, name: string): RevocationStore | undefined {
  const given = reader.get(name) as Partial<RevocationStore> | undefined;
  if (given === undefined) return undefined;
  const missing = STORE_METHODS.filter((method) => typeof (given as Partial<RevocationStore> | null)?.[method] !== 'function');
  if (missing.length > 0) reader.wrong(name, `is ${shown(given)} without ${missing.join(', ')}: a RevocationStore is needed`);
  return given as RevocationStore;
}

/** @param aheadOf by how many seconds an issuer's clock was seen to be ahead of this one */
export function createRevocations(
  { store, retentionSeconds, clockSkewSeconds }: RevocationsConfig,
  issuers: Issuers,
  clock: Pick<Clock, 'now'>,
  aheadOf: (issuer: string) => number,
): Revocations {
  async function revoke(target: RevocationTarget, options: RevocationOptions = {}): Promise<void> {
    const nowSeconds = clock.now() / 1000;
    const revocation = readRevocation(target, options, issuers.only?.rules.issuer, nowSeconds);
    const { issuer } = revocation;
    const found = issuers.find(issuer, undefined);
    // a resolver may need the request; of the others it is known whose tokens would be hit
    if (found instanceof Promise) found.catch(() => {});
    else if (!found) throw misuse('revoke()', `issuer is ${shown(issuer, 'url')}, none of this guard's: nothing would be hit`);
    const skew = found instanceof Promise ? MAX_CLOCK_SKEW_SECONDS : found.rules.clockSkewSeconds;
    const rules = { retentionSeconds, clockSkewSeconds: Math.max(clockSkewSeconds, Math.ceil(aheadOf(issuer))) };
    const records = recordsOf(revocation, { issuer, clockSkewSeconds: skew }, rules, nowSeconds);
    const added = records.map(async (record) => store.add(record));
    for (const { kind, reason } of records) publish('tokenward:revoked', { issuer, kind, reason });
    await Promise.all(added);
  }

  return Object.freeze({
    revoke,
    subjectChanged: ({ subject, issuer }: { readonly subject: string; readonly issuer?: string | undefined }, options: RevocationOptions = {}) =>
      revoke({ subject, issuer }, { reason: 'claims_changed', ...options }),
  });
}
