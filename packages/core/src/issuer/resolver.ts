import { isError } from '../lib/native-error.js';
import { createHash } from 'node:crypto';
import { constants } from 'node:os';
import type { ProtectedRequest } from '../request/protected-request.js';
import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import type { IssuerOptions } from './issuer-options.js';
import { demandsOf } from './merged-options.js';
import { IssuerUnavailableError, nameOf, type Issuer, type Issuers } from './issuer.js';
import { keptIssuers } from './kept-issuers.js';
import { identifierProblem } from '../lib/url.js';
import { isNobodys } from './read-identifier.js';
import { TENANT } from './tenants.js';

/**
 * Says which issuer's tokens a request may carry, if any. It is asked at every token, also at one that was verified before; what it answers
 * may depend on the request: on its host or its route, for a tenant. Nothing is fetched for an issuer to which it does not agree.
 *
 * @param unverifiedIssuer what the token claims, not yet verified: anybody's text, of 1024 characters at the most
 * @returns the issuer's options, undefined where such tokens are refused. The same object for the same issuer costs least; for other options
 * give another object: one is read once, and then frozen.
 */
export type IssuerResolver = (unverifiedIssuer: string, request: ProtectedRequest | undefined) => Resolved | Promise<Resolved>;
type Resolved = IssuerOptions | undefined;

/** So many requests wait for answers at once; and so many for one issuer, lest a tenant whose answers don't come takes the others' places. */
const MAX_WAITING = 10_000;
const MAX_WAITING_FOR_ONE = 500;
const TIMEOUT_MS = 5000;

/** Builds an issuer once for the same options, however many requests ask for it at once. */
export function resolvedIssuers(resolver: IssuerResolver, build: (options: IssuerOptions) => Issuer): Issuers {
  const built = keptIssuers((issuer) => issuer.release());
  const fingerprints = new WeakMap<object, string>();
  const waitingFor = new Map<string, number>();
  let waiting = 0;
  let closed = false;

  function issuerOf(options: Resolved, claimed: string): Issuer | undefined {
    if (options === undefined || options === null) return undefined;
    const known = fingerprints.get(options);
    const name = known ?? fingerprint(options);
    const issuer = built.get(name) ?? buildClaimed(options, claimed, name);
    if (!issuer) return undefined;
    // whoever changes it afterwards would have one issuer pass for another
    if (known === undefined) fingerprints.set(Object.freeze(options), name);
    return issuer.rules.issuer === claimed ? issuer : undefined;
  }

  /** @returns undefined where the answer has but the token's own word for an issuer, which can be nobody's: that is no fault of the resolver's */
  function buildClaimed(options: IssuerOptions, claimed: string, name: string): Issuer | undefined {
    try {
      return built.add(name, buildAnew(options));
    } catch (error) {
      const isOfIssuer = error instanceof ConfigurationError && error.problems.every(({ path }) => /(?:^|\.)issuer$/.test(path));
      if (isOfIssuer && options.issuer === claimed && isNobodys(claimed)) return undefined;
      throw error;
    }
  }

  function buildAnew(options: IssuerOptions): Issuer {
    const issuer = build(options);
    if (closed) issuer.keys.close();
    return issuer;
  }

  /** @throws IssuerUnavailableError where the options can't be right, without what they took from the token */
  function understood(options: Resolved, claimed: string): Issuer | undefined {
    try {
      return issuerOf(options, claimed);
    } catch (error) {
      throw failure(error instanceof ConfigurationError ? error.message.replace(/"(?:[^"\\]|\\.)*"/g, '"..."') : wordsFor(error));
    }
  }

  /** One that is out of service must not hold up everybody. */
  async function settle(answer: Promise<Resolved>, claimed: string): Promise<Issuer | undefined> {
    const ofThis = waitingFor.get(claimed) ?? 0;
    if (waiting >= MAX_WAITING || ofThis >= MAX_WAITING_FOR_ONE) {
      // nobody waits for it, so nobody would hear that it failed
      answer.catch(() => {});
      throw failure('too many requests wait for it');
    }
    waiting++;
    waitingFor.set(claimed, ofThis + 1);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(failure(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    try {
      const settled = await Promise.race([
        answer.catch((thrown: unknown) => {
          throw failure(wordsFor(thrown));
        }),
        late,
      ]);
      return understood(settled, claimed);
    } finally {
      clearTimeout(timer);
      waiting--;
      const left = waitingFor.get(claimed)! - 1;
      if (left > 0) waitingFor.set(claimed, left);
      else waitingFor.delete(claimed);
    }
  }

  return {
    only: undefined,
    name: 'those of a resolver',
    names: [],
    find(claimed, request) {
      // nor is a resolver asked that may look at its beginning alone: no issuer has blanks, or a path that leads astray
      if (identifierProblem(claimed) !== undefined || claimed.includes(TENANT)) return undefined;
      let answer: Resolved | Promise<Resolved>;
      try {
        answer = resolver(claimed, request);
        if (isThenable(answer)) return settle(Promise.resolve(answer), claimed);
      } catch (thrown) {
        return Promise.reject(failure(wordsFor(thrown)));
      }
      try {
        return understood(answer, claimed);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    known: () => built.values().map((issuer) => ({ name: nameOf(issuer), isListed: false, keys: issuer.keys })),
    close() {
      closed = true;
      for (const { keys } of built.values()) keys.close();
    },
  };
}

/**
 * What a resolver throws may quote the token, so none of its own words are passed on, whatever class it is of: an application can make errors of
 * ours as well. Its class is, and a system's error code.
 */
function wordsFor(thrown: unknown): string {
  if (!isError(thrown)) return 'it threw something that is no Error';
  const { code } = thrown as { code?: unknown };
  const known = typeof code === 'string' && (Object.hasOwn(constants.errno, code) || code === 'ENOTFOUND') ? ` (${code})` : '';
  return `it threw ${classOf(thrown)}${known}; catch it there to see what it says, which is not shown since it may quote the token`;
}

function failure(what: string): IssuerUnavailableError {
  return new IssuerUnavailableError(`the resolver of issuers failed: ${what}`);
}

/**
 * Equal options are one issuer; bytes are written out, and nothing of a secret stays in the name. What JSON leaves out counts too: a member that is
 * undefined, a function, and what a preset demands.
 */
function fingerprint(options: IssuerOptions): string {
  const text = JSON.stringify([options, demandsOf(options)], (_name, value: unknown) => {
    if (value instanceof Uint8Array) return { '': Buffer.from(value).toString('base64') };
    if (typeof value === 'function') return { '': numberOf(value) };
    return value === undefined ? { '': null } : value;
  });
  return createHash('sha256').update(text).digest('base64');
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** Functions are told apart by identity: one that is made anew for each answer makes an issuer anew. */
function numberOf(fn: object): number {
  const known = numbers.get(fn);
  if (known !== undefined) return known;
  numbers.set(fn, ++lastNumber);
  return lastNumber;
}
