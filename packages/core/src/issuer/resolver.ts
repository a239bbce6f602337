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
import { createIssuerCache } from './issuer-cache.js';
import { identifierProblem } from '../lib/url.js';
import { isImpossible } from './read-identifier.js';
import { TENANT } from './tenants.js';

/**
 * Returns the options of a trusted issuer. The guard calls it for every token, cached ones too, so the result may depend on the request: on its host or
 * route, for example. The guard fetches nothing for an issuer for which the result is undefined.
 *
 * @param unverifiedIssuer the `iss` of the token, which is not verified yet: it may be any text of up to 1024 characters
 * @returns the issuer's options, or undefined to refuse its tokens. Return the same object for the same options, which is fastest. The guard reads an
 * object once and freezes it, so return another object to change the options.
 *
 * @example issuers: (unverifiedIssuer) => (tenants.has(unverifiedIssuer) ? { issuer: unverifiedIssuer, audience } : undefined)
 */
export type IssuerResolver = (unverifiedIssuer: string, request: ProtectedRequest | undefined) => Resolved | Promise<Resolved>;
type Resolved = IssuerOptions | undefined;

/** The most requests that wait for a resolver at once. */
const MAX_WAITING = 10_000;
/** For one issuer, so that a slow one does not take the places of all others. */
const MAX_WAITING_FOR_ONE = 500;
const TIMEOUT_MS = 5000;

/** Returns the issuers of an `issuers` function, the resolver. Equal options count as one issuer, which is created once. */
export function resolvedIssuers(resolver: IssuerResolver, build: (options: IssuerOptions) => Issuer): Issuers {
  const cache = createIssuerCache((issuer) => issuer.release());
  const fingerprints = new WeakMap<object, string>();
  const waitingFor = new Map<string, number>();
  let waiting = 0;
  let closed = false;

  function issuerOf(options: Resolved, claimed: string): Issuer | undefined {
    if (options === undefined || options === null) return undefined;
    const known = fingerprints.get(options);
    const name = known ?? fingerprint(options);
    const issuer = cache.get(name) ?? buildClaimed(options, claimed, name);
    if (!issuer) return undefined;
    // frozen, because a later change could let one issuer pass for another
    if (known === undefined) fingerprints.set(Object.freeze(options), name);
    return issuer.rules.issuer === claimed ? issuer : undefined;
  }

  /** @returns undefined if only the `issuer` is invalid, and the resolver copied it from the token. The token is then refused */
  function buildClaimed(options: IssuerOptions, claimed: string, name: string): Issuer | undefined {
    try {
      return cache.add(name, buildNew(options));
    } catch (error) {
      const isOfIssuer = error instanceof ConfigurationError && error.problems.every(({ path }) => /(?:^|\.)issuer$/.test(path));
      if (isOfIssuer && options.issuer === claimed && isImpossible(claimed)) return undefined;
      throw error;
    }
  }

  function buildNew(options: IssuerOptions): Issuer {
    const issuer = build(options);
    if (closed) issuer.keys.close();
    return issuer;
  }

  /** @throws IssuerUnavailableError if the options are invalid. Its message contains nothing that may come from the token */
  function accept(options: Resolved, claimed: string): Issuer | undefined {
    try {
      return issuerOf(options, claimed);
    } catch (error) {
      throw failure(error instanceof ConfigurationError ? error.message.replace(/"(?:[^"\\]|\\.)*"/g, '"..."') : describeThrown(error));
    }
  }

  /** Waits for the resolver. A resolver that does not answer must not delay all requests. */
  async function settle(answer: Promise<Resolved>, claimed: string): Promise<Issuer | undefined> {
    const ofThis = waitingFor.get(claimed) ?? 0;
    if (waiting >= MAX_WAITING || ofThis >= MAX_WAITING_FOR_ONE) {
      // avoids an unhandled rejection
      answer.catch(() => {});
      throw failure('too many requests are waiting for it');
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
          throw failure(describeThrown(thrown));
        }),
        late,
      ]);
      return accept(settled, claimed);
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
    name: 'the issuers function',
    names: [],
    introspecting: [],
    audiences: [],
    find(claimed, request) {
      // a resolver may look only at the beginning of the text, so it never sees white space or an ambiguous path
      if (identifierProblem(claimed) !== undefined || claimed.includes(TENANT)) return undefined;
      let answer: Resolved | Promise<Resolved>;
      try {
        answer = resolver(claimed, request);
        if (isThenable(answer)) return settle(Promise.resolve(answer), claimed);
      } catch (thrown) {
        return Promise.reject(failure(describeThrown(thrown)));
      }
      try {
        return accept(answer, claimed);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    known: () => cache.values().map((issuer) => ({ name: nameOf(issuer), isListed: false, keys: issuer.keys, introspectsAlways: false })),
    close() {
      closed = true;
      for (const { keys } of cache.values()) keys.close();
    },
  };
}

/**
 * Describes what a resolver threw: its class and the system's error code. The message may quote the token, so it is never passed on. This applies to our
 * own error classes too, since applications can create them.
 */
function describeThrown(thrown: unknown): string {
  if (!isError(thrown)) return 'it threw a value that is not an Error';
  const { code } = thrown as { code?: unknown };
  const known = typeof code === 'string' && (Object.hasOwn(constants.errno, code) || code === 'ENOTFOUND') ? ` (${code})` : '';
  return `it threw ${classOf(thrown)}${known}. The message may quote the token, so it is not shown. Catch and log the error in the function`;
}

function failure(what: string): IssuerUnavailableError {
  return new IssuerUnavailableError(`the issuers function failed: ${what}`);
}

/**
 * Returns a hash of options. Options with the same hash count as one issuer. It covers what JSON leaves out: bytes, undefined members, functions, and the
 * demands of a preset. It reveals nothing of a secret.
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

/** Functions are compared by identity. A resolver that creates a new function each time therefore creates a new issuer each time. */
function numberOf(fn: object): number {
  const known = numbers.get(fn);
  if (known !== undefined) return known;
  numbers.set(fn, ++lastNumber);
  return lastNumber;
}
