import { TokenwardError } from '../lib/tokenward-error.js';
import type { ClaimRules } from './claim-rules.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { issuerName } from '../keys/issuer-name.js';
import type { KeyHealth, KeySource } from '../keys/key-source.js';

/** One authorization server, as its tokens are held against it. */
export interface Issuer {
  readonly algorithms: ReadonlySet<string>;
  readonly rules: ClaimRules;
  readonly keys: KeySource;
  /** Whether a token was verified for it, or the options name it: others can be named by anybody. See {@link markVerified}. */
  isVerified: boolean;
  /** It is kept no longer: keys that nobody else has end with it. */
  release(): void;
}

/** Notes that an issuer's key has signed something, so that it is no stranger's invention. */
export function markVerified(issuer: Issuer): void {
  if (issuer.isVerified) return;
  issuer.isVerified = true;
  issuer.keys.verified();
}

export function nameOf({ rules, isVerified }: Issuer): string {
  return issuerName(rules.issuer, isVerified);
}

/** The state of one issuer's keys. */
export interface IssuerHealth extends KeyHealth {
  readonly issuer: string;
}

/** The issuers of one guard. */
export interface Issuers {
  /** Where there is one alone: a token need not be asked which. */
  readonly only: Issuer | undefined;
  /** What events and names of the whole guard say. */
  readonly name: string;
  /** The identifiers, one by one, as far as the options say them: for explanations. */
  readonly names: readonly string[];
  /**
   * The issuer that a token claims to be from, before its signature is checked: undefined where it is none of ours. Rejects with an
   * {@link IssuerUnavailableError} where that can't be told now.
   */
  find(claimed: string, request: ProtectedRequest | undefined): Issuer | undefined | Promise<Issuer | undefined>;
  /** Those that are known by now, each with its keys; tenants that have their keys in common are one. */
  known(): readonly KnownIssuer[];
  close(): void;
}

export interface KnownIssuer {
  readonly name: string;
  /** Whether the options name it, and not only a token. */
  readonly isListed: boolean;
  readonly keys: KeySource;
}

/** It could not be found out who an issuer is: a resolver failed. */
export class IssuerUnavailableError extends TokenwardError {
  override readonly name = 'IssuerUnavailableError';
  readonly code = 'TOKENWARD_ISSUER_UNAVAILABLE';
}

export function oneIssuer(issuer: Issuer): Issuers {
  return {
    only: issuer,
    name: issuer.rules.issuer,
    names: [issuer.rules.issuer],
    find: (claimed) => (claimed === issuer.rules.issuer ? issuer : undefined),
    known: () => [asKnown(issuer)],
    close: () => issuer.keys.close(),
  };
}

function asKnown({ rules, keys }: Issuer): KnownIssuer {
  return { name: rules.issuer, isListed: true, keys };
}

/** Several, each known by its identifier to the letter; `otherwise` finds those that are not listed one by one. */
export function severalIssuers(listed: readonly Issuer[], otherwise: readonly Issuers[]): Issuers {
  const byIdentifier = new Map(listed.map((issuer) => [issuer.rules.issuer, issuer]));
  const names = [...byIdentifier.keys(), ...otherwise.map(({ name }) => name)];
  return {
    only: undefined,
    name: names.join(', '),
    names,
    find(claimed, request) {
      const found = byIdentifier.get(claimed);
      if (found) return found;
      for (const issuers of otherwise) {
        const more = issuers.find(claimed, request);
        if (more) return more;
      }
      return undefined;
    },
    known: () => [...listed.map(asKnown), ...otherwise.flatMap((issuers) => issuers.known())],
    close() {
      for (const { keys } of listed) keys.close();
      for (const issuers of otherwise) issuers.close();
    },
  };
}
