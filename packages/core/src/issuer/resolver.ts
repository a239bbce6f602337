import { createHash } from 'node:crypto';
import type { ProtectedRequest } from '../seam.js';
import { bounded } from './bounded.js';
import type { IssuerOptions } from './issuer-options.js';
import { IssuerUnavailableError, type Issuer, type Issuers } from './issuer.js';

/**
 * Says which issuer's tokens a request may carry, if any. It is asked at every token whose issuer is not known otherwise; what it answers may
 * depend on the request: on its host or its route, for a tenant. Nothing is fetched for an issuer to which it does not agree.
 *
 * @param unverifiedIssuer what the token claims, not yet verified: anybody's text, of 1024 characters at the most
 * @returns the issuer's options (the same object for the same issuer costs least), undefined where such tokens are refused
 */
export type IssuerResolver = (unverifiedIssuer: string, request: ProtectedRequest | undefined) => Resolved | Promise<Resolved>;
type Resolved = IssuerOptions | undefined;

const MAX_ISSUER_LENGTH = 1024;
const MAX_BUILT = 1000;
const MAX_WAITING = 1000;
const TIMEOUT_MS = 5000;

/** Builds an issuer once for the same options, however many requests ask for it at once. */
export function resolvedIssuers(resolver: IssuerResolver, build: (options: IssuerOptions) => Issuer): Issuers {
  const built = bounded<Issuer>(MAX_BUILT);
  const byObject = new WeakMap<object, Issuer>();
  let waiting = 0;

  function issuerOf(options: Resolved, claimed: string): Issuer | undefined {
    if (options === undefined || options === null) return undefined;
    let issuer = byObject.get(options);
    if (!issuer) {
      const name = fingerprint(options);
      issuer = built.get(name) ?? built.set(name, build(options));
      byObject.set(options, issuer);
    }
    return issuer.rules.issuer === claimed ? issuer : undefined;
  }

  /** One that is out of service must not hold up everybody. */
  async function settle(answer: Promise<Resolved>, claimed: string): Promise<Issuer | undefined> {
    if (waiting >= MAX_WAITING) throw failure('too many requests wait for it');
    waiting++;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(failure(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    try {
      return issuerOf(await Promise.race([answer, late]), claimed);
    } catch (error) {
      throw error instanceof IssuerUnavailableError ? error : failure((error as Error)?.message, error);
    } finally {
      waiting--;
      clearTimeout(timer);
    }
  }

  return {
    only: undefined,
    name: 'those of a resolver',
    find(claimed, request) {
      if (claimed.length > MAX_ISSUER_LENGTH) return undefined;
      try {
        const answer = resolver(claimed, request);
        return answer instanceof Promise ? settle(answer, claimed) : issuerOf(answer, claimed);
      } catch (error) {
        return Promise.reject(failure((error as Error)?.message, error));
      }
    },
    known: () => built.values(),
  };
}

function failure(what: string | undefined, cause?: unknown): IssuerUnavailableError {
  return new IssuerUnavailableError(`the resolver of issuers failed: ${what}`, { cause });
}

/** Equal options are one issuer; bytes are written out, and nothing of a secret stays in the name. */
function fingerprint(options: IssuerOptions): string {
  const text = JSON.stringify(options, (_name, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value));
  return createHash('sha256').update(text).digest('base64');
}
