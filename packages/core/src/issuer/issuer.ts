import { TokenwardError } from '../lib/tokenward-error.js';
import type { ClaimRules } from './claim-rules.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { issuerName } from '../keys/issuer-name.js';
import type { IntrospectionConfig } from './introspection-config.js';
import type { KeyHealth, KeySource } from '../keys/key-source.js';

/** One authorization server: its keys, and the rules for its tokens. */
export interface Issuer {
  readonly algorithms: ReadonlySet<string>;
  readonly rules: ClaimRules;
  readonly keys: KeySource;
  /** undefined: its tokens are verified here, with its keys. */
  readonly introspection: IntrospectionConfig | undefined;
  /** Whether the options name it, or one of its tokens was verified. A forged token can name any other issuer. See {@link markVerified}. */
  isVerified: boolean;
  /** Called when the guard evicts it. Closes keys that no other issuer shares. */
  release(): void;
}

/** Records that an issuer's key verified a signature, so that the issuer is known to exist. */
export function markVerified(issuer: Issuer): void {
  if (issuer.isVerified) return;
  issuer.isVerified = true;
  issuer.keys.markVerified();
}

/** Returns the issuer's name for events. */
export function nameOf({ rules, isVerified }: Issuer): string {
  return issuerName(rules.issuer, isVerified);
}

/** The state of one issuer's keys. */
export interface IssuerHealth extends KeyHealth {
  readonly issuer: string;
}

/** The issuers of one guard. */
export interface Issuers {
  /** The issuer, if there is only one: the token's `iss` is then not needed to choose. */
  readonly only: Issuer | undefined;
  /** The name for events that concern all issuers of the guard. */
  readonly name: string;
  /** The identifiers in the options, for explanations. */
  readonly names: readonly string[];
  /** The audiences that the issuers in the options accept, in their order. */
  readonly audiences: readonly string[];
  /**
   * Returns the issuer that an unverified token names, or undefined if it is not one of the guard's issuers. Rejects with an
   * {@link IssuerUnavailableError} if an `issuers` function failed.
   */
  find(claimed: string, request: ProtectedRequest | undefined): Issuer | undefined | Promise<Issuer | undefined>;
  /** The issuers with introspection. All of them are listed in the options. */
  readonly introspecting: readonly IntrospectingIssuer[];
  /** Returns the issuers that exist so far with their keys. Tenants that share keys count as one. */
  known(): readonly KnownIssuer[];
  close(): void;
}

/** An issuer that introspects tokens. */
export interface IntrospectingIssuer extends Issuer {
  readonly introspection: IntrospectionConfig;
}

export interface KnownIssuer {
  readonly name: string;
  /** Whether the options name it. If not, only a token does. */
  readonly isListed: boolean;
  readonly keys: KeySource;
  /** Whether all its tokens are introspected, so that no key needs to verify them. */
  readonly introspectsAlways: boolean;
}

/** An `issuers` function failed, so the guard cannot tell whether it trusts the issuer. */
export class IssuerUnavailableError extends TokenwardError {
  override readonly name = 'IssuerUnavailableError';
  readonly code = 'TOKENWARD_ISSUER_UNAVAILABLE';
}

export function oneIssuer(issuer: Issuer): Issuers {
  return {
    only: issuer,
    name: issuer.rules.issuer,
    names: [issuer.rules.issuer],
    introspecting: [issuer].filter(isIntrospecting),
    audiences: audiencesOf(issuer),
    find: (claimed) => (claimed === issuer.rules.issuer ? issuer : undefined),
    known: () => [asKnown(issuer)],
    close: () => closeListed(issuer),
  };
}

function isIntrospecting(issuer: Issuer): issuer is IntrospectingIssuer {
  return issuer.introspection !== undefined;
}

function asKnown({ rules, keys, introspection }: Issuer): KnownIssuer {
  return { name: rules.issuer, isListed: true, keys, introspectsAlways: introspection?.always === true && !introspection.signed };
}

function closeListed({ keys, introspection }: Issuer): void {
  keys.close();
  introspection?.close();
}

function audiencesOf({ rules }: Issuer): readonly string[] {
  return [...(rules.audiences ?? [])];
}

/** @param groups find the issuers whose exact identifiers are not in `listed` */
export function severalIssuers(listed: readonly Issuer[], groups: readonly Issuers[]): Issuers {
  const byIdentifier = new Map(listed.map((issuer) => [issuer.rules.issuer, issuer]));
  const names = [...byIdentifier.keys(), ...groups.map(({ name }) => name)];
  return {
    only: undefined,
    name: names.join(', '),
    names,
    introspecting: listed.filter(isIntrospecting),
    audiences: [...listed.flatMap(audiencesOf), ...groups.flatMap(({ audiences }) => audiences)],
    find(claimed, request) {
      const issuer = byIdentifier.get(claimed);
      if (issuer) return issuer;
      for (const group of groups) {
        const found = group.find(claimed, request);
        if (found) return found;
      }
      return undefined;
    },
    known: () => [...listed.map(asKnown), ...groups.flatMap((group) => group.known())],
    close() {
      for (const issuer of listed) closeListed(issuer);
      for (const group of groups) group.close();
    },
  };
}
