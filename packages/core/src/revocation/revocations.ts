import { misuse } from '../lib/configuration-error.js';
import type { Clock } from '../lib/clock.js';
import { publish } from '../events/events.js';
import { MAX_CLOCK_SKEW_SECONDS } from '../issuer/claim-options.js';
import type { Issuers } from '../issuer/issuer.js';
import { type OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { readRevocation, recordsOf, type RevocationOptions, type RevocationRules, type RevocationTarget } from './revocation.js';
import { memoryRevocations, type RevocationStore } from './store.js';

/** How a guard keeps revocations. */
export interface RevocationsOptions {
  /** A store shared by a fleet: `redisRevocations(...)` of `@tokenward/redis`, or your own. Default: in the memory of this process. */
  readonly store?: RevocationStore | undefined;
  /**
   * How long a revocation without `until` is kept, in seconds. Set it to at least the lifetime of the issuer's tokens. When a revocation is removed, all
   * tokens of the issuer from before it are refused, even those that were not revoked. Default: 86400.
   */
  readonly retentionSeconds?: number | undefined;
  /**
   * How far the issuer's clock may be ahead of this one, in seconds. A revocation also covers tokens with an `iat` up to this long after it, so tokens
   * of a new login are accepted only from then on. If an issuer's clock was observed to be further ahead, that difference is used. Default: 5.
   */
  readonly clockSkewSeconds?: number | undefined;
}

/** Revokes tokens at this API and at every API that shares its store. To revoke a token at the authorization server, use `revokeAtIssuer` of `createIssuerClient`. */
export interface Revocations {
  /**
   * Revokes tokens issued up to now. The guard refuses them with 401 from the next request on.
   *
   * @throws ConfigurationError if the target or an option is invalid
   * @throws RevocationStoreError if the revocation is in effect in this process, but other processes have not received it yet; the store keeps retrying
   *   while this process runs
   *
   * @example await guard.revocations.revoke({ sessionId: auth.sessionId }, { reason: 'logout' });
   */
  revoke(target: RevocationTarget, options?: RevocationOptions): Promise<void>;
  /**
   * Revokes a subject's tokens issued up to now because its roles or scopes have changed, so that clients fetch new tokens.
   *
   * @throws the same errors as {@link Revocations.revoke}
   */
  subjectChanged(target: { readonly subject: string; readonly issuer?: string | undefined }, options?: RevocationOptions): Promise<void>;
}

/** Revokes by events of the issuer, which have a time of their own. */
export interface EventRevocations {
  /** @param aheadSeconds by how much the time `at` of the event may be ahead of this machine's clock, if that is more than the issuer's `clockSkewSeconds` */
  revoke(target: RevocationTarget, options: RevocationOptions, aheadSeconds?: number): Promise<void>;
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
  if (missing.length > 0) reader.wrong(name, `must be a RevocationStore (got ${shown(given)} without ${missing.join(', ')})`);
  return given as RevocationStore;
}

/** @param aheadOf returns by how many seconds an issuer's clock was observed to be ahead of this one */
export function createRevocations(
  { store, retentionSeconds, clockSkewSeconds }: RevocationsConfig,
  issuers: Issuers,
  clock: Pick<Clock, 'now'>,
  aheadOf: (issuer: string) => number,
): { readonly revocations: Revocations; readonly byEvents: EventRevocations } {
  async function revoke(target: RevocationTarget, options: RevocationOptions, aheadSeconds = 0): Promise<void> {
    const nowSeconds = clock.now() / 1000;
    const revocation = readRevocation(target, options, issuers.only?.rules.issuer, nowSeconds);
    const { issuer } = revocation;
    const found = issuers.find(issuer, undefined);
    // an asynchronous resolver may need the request, so only a synchronous answer shows that the issuer is unknown
    if (found instanceof Promise) found.catch(() => {});
    else if (!found) throw misuse('revoke()', `issuer must be an issuer of this guard (got ${shown(issuer, 'url')}). No token would be revoked`);
    const skew = Math.max(aheadSeconds, found instanceof Promise ? MAX_CLOCK_SKEW_SECONDS : found.rules.clockSkewSeconds);
    const rules = { retentionSeconds, clockSkewSeconds: Math.max(clockSkewSeconds, Math.ceil(aheadOf(issuer))) };
    const records = recordsOf(revocation, { issuer, clockSkewSeconds: skew }, rules, nowSeconds);
    const added = records.map(async (record) => store.add(record));
    for (const { kind, reason } of records) publish('tokenward:revoked', { issuer, kind, reason });
    await Promise.all(added);
  }

  const revocations: Revocations = Object.freeze({
    // without a third argument: a call such as `targets.map(revoke)` gives one
    revoke: (target: RevocationTarget, options: RevocationOptions = {}) => revoke(target, options),
    subjectChanged: ({ subject, issuer }: { readonly subject: string; readonly issuer?: string | undefined }, options: RevocationOptions = {}) =>
      revoke({ subject, issuer }, { reason: 'claims_changed', ...options }),
  });
  return { revocations, byEvents: { revoke } };
}
