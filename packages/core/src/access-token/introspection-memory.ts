import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Introspected } from '../issuer/verified-key.js';
import { createLruMap } from '../lib/lru.js';
import { weightOf } from './token-weight.js';
import type { VerifiedToken } from './verifier.js';

/** A token for which its issuer vouched. */
export interface IntrospectedToken extends VerifiedToken, Introspected {
  /** `nbf` */
  readonly notBefore: number | undefined;
}

/** A refused token, without anything of the answer. */
interface Refusal {
  readonly failure: VerificationFailure;
  readonly untilMs: number;
}

interface Entry {
  readonly verified: IntrospectedToken;
  readonly bytes: number;
}

/**
 * The answers of one endpoint, by the hash of endpoint and token. Active and refused tokens are kept apart, because anybody can send any number of tokens that
 * are refused: they must not evict those in use. An active token stays when its answer is no longer fresh, so that its next introspection goes before those of
 * unknown tokens.
 */
export interface AnswerMemory {
  /** Returns an active token, fresh or not. */
  active(name: string): IntrospectedToken | undefined;
  /** Returns why a token is refused, if it was introspected a moment ago. */
  refused(name: string, nowMs: number): VerificationFailure | undefined;
  keep(name: string, token: string, verified: IntrospectedToken): void;
  /** Forgets an active token. */
  delete(name: string): void;
  refuse(name: string, failure: VerificationFailure, untilMs: number): void;
  readonly size: { readonly active: number; readonly refused: number };
}

/** By an estimate, as in the cache of verified JWTs. */
const MAX_BYTES = 33_554_432;

export function createAnswerMemory(maxEntries: number, maxBytes: number = MAX_BYTES): AnswerMemory {
  // a Map iterates in the order of insertion
  const active = new Map<string, Entry>();
  const refusals = createLruMap<Refusal>(maxEntries);
  let bytes = 0;

  function remove(name: string): void {
    const entry = active.get(name);
    if (!entry) return;
    active.delete(name);
    bytes -= entry.bytes;
  }

  return {
    active(name) {
      const entry = active.get(name);
      if (!entry) return undefined;
      active.delete(name);
      active.set(name, entry);
      return entry.verified;
    },
    refused(name, nowMs) {
      const refusal = refusals.get(name);
      if (!refusal) return undefined;
      if (nowMs < refusal.untilMs) return refusal.failure;
      refusals.delete(name);
      return undefined;
    },
    keep(name, token, verified) {
      remove(name);
      refusals.delete(name);
      const entry = { verified, bytes: weightOf(token, verified.auth) };
      if (entry.bytes > maxBytes) return;
      active.set(name, entry);
      bytes += entry.bytes;
      while (active.size > maxEntries || bytes > maxBytes) remove(active.keys().next().value!);
    },
    delete: remove,
    refuse(name, failure, untilMs) {
      refusals.set(name, { failure, untilMs });
    },
    get size() {
      return { active: active.size, refused: refusals.size };
    },
  };
}
