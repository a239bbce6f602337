import type { AuthScheme } from '../request/credentials.js';
import { challengeLine, type Challenge } from './challenge.js';
import { explanationOf, type Explained, type Explanation } from '../explain/explanation.js';
import type { Deny, ProblemDetails, ResponseHeaders } from './decision.js';
import { behaviourOf, type Reason, type Refusal } from '../vocabulary/reason.js';

interface Words {
  readonly status: Deny['status'];
  readonly title: string;
  readonly error?: string;
  readonly detail: string;
  /** The body names the reason: the app's own page needs it to tell this refusal from `insufficient_scope`. */
  readonly reason?: ProblemDetails['reason'];
  readonly hasChallenge?: false;
  /** The scheme that the error belongs to, whichever the request used. */
  readonly scheme?: AuthScheme;
}

/**
 * Fixed words (RFC 6750 s3.1, RFC 9470 s3). Nothing from a token, a key server or an exception reaches the client, and every invalid token gets the same
 * text.
 */
const WORDS: Readonly<Record<Refusal, Words>> = {
  unauthenticated: { status: 401, title: 'Unauthorized', detail: 'This resource needs an access token' },
  invalid_request: { status: 400, title: 'Bad Request', error: 'invalid_request', detail: 'The credentials are malformed or were sent more than once' },
  invalid_token: { status: 401, title: 'Unauthorized', error: 'invalid_token', detail: 'The access token is not valid here' },
  insufficient_scope: { status: 403, title: 'Forbidden', error: 'insufficient_scope', detail: 'The access token does not grant what this resource needs' },
  insufficient_user_authentication: {
    status: 401,
    title: 'Unauthorized',
    error: 'insufficient_user_authentication',
    detail: 'This resource needs a stronger or more recent login',
  },
  // no challenge, and no error code, since a client would request more scopes, and be refused again (RFC 6750 s3.1)
  forbidden: { status: 403, title: 'Forbidden', detail: 'No access token allows this request', hasChallenge: false },
  malformed_request: {
    status: 400,
    title: 'Bad Request',
    error: 'invalid_request',
    detail: 'The body of the request is missing or malformed',
    hasChallenge: false,
  },
  // no challenge, since a page that sends the session cookie needs a header, not a token
  cross_site_request: {
    status: 403,
    title: 'Forbidden',
    error: 'cross_site_request',
    reason: 'cross_site_request',
    detail: 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself',
    hasChallenge: false,
  },
  invalid_dpop_proof: {
    status: 401,
    title: 'Unauthorized',
    error: 'invalid_dpop_proof',
    detail: 'The request needs a valid DPoP proof for its access token',
    scheme: 'DPoP',
  },
  use_dpop_nonce: { status: 401, title: 'Unauthorized', error: 'use_dpop_nonce', detail: 'The DPoP proof needs the nonce of this answer', scheme: 'DPoP' },
  unavailable: { status: 503, title: 'Service Unavailable', error: 'temporarily_unavailable', detail: 'The access token cannot be checked at the moment' },
};

/** The details of a refusal: for its explanation, and for its headers. */
export interface DenialDetails extends Explained {
  /** All scopes that the next token needs. */
  readonly scope?: readonly string[] | undefined;
  readonly acrValues?: readonly string[] | undefined;
  readonly maxAgeSeconds?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** The scheme of the credentials. Default: Bearer. */
  readonly scheme?: AuthScheme | undefined;
  /** The nonce that the next proof needs. */
  readonly nonce?: string | undefined;
}

/** Creates a refusal. */
export type DenialFactory = (reason: Reason, details?: DenialDetails) => Deny;

/** The schemes of a guard's challenges. */
export interface ChallengeSchemes {
  /** Those that every challenge offers. */
  readonly offered: readonly AuthScheme[];
  /** The signature algorithms of proofs; undefined if proofs are not accepted. */
  readonly algorithms: string | undefined;
}

export interface DenialConfig extends Pick<Challenge, 'realm' | 'resourceMetadata'> {
  readonly schemes?: ChallengeSchemes | undefined;
}

const BEARER_ALONE: ChallengeSchemes = { offered: ['Bearer'], algorithms: undefined };

/** The answer that all refusals of one kind and scheme share if they name nothing of the route. */
interface Template {
  readonly words: Words;
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
}

/** Returns a function that creates the refusals of one guard. The words are fixed; realm, schemes and `resource_metadata` are the guard's. */
export function createDenial({ realm, resourceMetadata, schemes = BEARER_ALONE }: DenialConfig): DenialFactory {
  const templates = { Bearer: templatesOf('Bearer'), DPoP: templatesOf('DPoP') };

  function templatesOf(scheme: AuthScheme): Record<Refusal, Template> {
    return Object.fromEntries(Object.entries(WORDS).map(([answer, words]) => [answer, templateOf(words, scheme)])) as Record<Refusal, Template>;
  }

  function templateOf(words: Words, scheme: AuthScheme): Template {
    return Object.freeze({ words, headers: headersOf(words, undefined, { scheme }), body: bodyOf(words, undefined) });
  }

  function headersOf(words: Words, scope: string | undefined, details: DenialDetails): ResponseHeaders {
    if (words.status === 503) {
      return Object.freeze({ 'cache-control': 'no-store', 'retry-after': String(Math.max(1, Math.ceil(details.retryAfterSeconds ?? 1))) });
    }
    if (words.hasChallenge === false) return Object.freeze({ 'cache-control': 'no-store' });
    const challenge = challengesOf(words, scope, details);
    return Object.freeze({ 'cache-control': 'no-store', 'www-authenticate': challenge, ...(details.nonce !== undefined && { 'dpop-nonce': details.nonce }) });
  }

  /** One challenge for each scheme, as a field line of its own. The first one, of the scheme that the request used, alone says what was wrong. */
  function challengesOf(words: Words, scope: string | undefined, details: DenialDetails): string | string[] {
    const used = firstScheme(words.scheme ?? details.scheme);
    const first = lineOf(used, {
      error: words.error,
      // RFC 6750 s3.1: a request without credentials gets no error
      errorDescription: words.error && words.detail,
      scope,
      acrValues: details.acrValues?.join(' '),
      maxAge: details.maxAgeSeconds,
    });
    const others = schemes.offered.filter((scheme) => scheme !== used).map((scheme) => lineOf(scheme, { scope: words.error ? undefined : scope }));
    return others.length === 0 ? first : (Object.freeze([first, ...others]) as string[]);
  }

  function firstScheme(used: AuthScheme | undefined): AuthScheme {
    // a token that is bound to a certificate and to a key comes by the scheme DPoP, though it is not offered
    if (used === 'DPoP' && schemes.algorithms !== undefined) return used;
    // Bearer if it is offered at all
    return schemes.offered[0]!;
  }

  function lineOf(scheme: AuthScheme, parameters: Omit<Challenge, 'realm'>): string {
    return challengeLine(scheme, { realm, resourceMetadata, algorithms: scheme === 'DPoP' ? schemes.algorithms : undefined, ...parameters });
  }

  return function deny(reason, details = NO_DETAILS) {
    const template = templates[details.scheme ?? 'Bearer'][behaviourOf(reason).answer];
    const { words } = template;
    const scope = details.scope?.length ? details.scope.join(' ') : undefined;
    const isPlain = scope === undefined && isWithoutHeaders(details);
    // shared, which is safe because they are frozen: building them anew would double the cost of refusing a request without a token
    if (isPlain) return new Denial(words.status, template.headers, template.body, reason, details);
    return new Denial(words.status, headersOf(words, scope, details), scope === undefined ? template.body : bodyOf(words, scope), reason, details);
  };
}

/** Returns the same refusal with other headers. */
export function addHeaders(denial: Deny, headers: ResponseHeaders): Deny {
  return denial instanceof Denial ? denial.with(headers) : denial;
}

/** Whether no detail is in the headers. */
function isWithoutHeaders({ acrValues, maxAgeSeconds, retryAfterSeconds, nonce }: DenialDetails): boolean {
  return acrValues === undefined && maxAgeSeconds === undefined && retryAfterSeconds === undefined && nonce === undefined;
}

const NO_DETAILS: DenialDetails = Object.freeze({});

function bodyOf({ title, status, error, reason, detail }: Words, scope: string | undefined): ProblemDetails {
  return Object.freeze({ type: 'about:blank', title, status, ...(error && { error }), ...(reason && { reason }), detail, ...(scope && { scope }) });
}

/** A refusal. The details for its explanation are in a private field, so that a log of the refusal shows only what logs may contain. */
class Denial implements Deny {
  readonly outcome = 'deny';
  readonly status: Deny['status'];
  readonly headers: ResponseHeaders;
  readonly body: ProblemDetails;
  readonly reason: Reason;
  declare readonly cause?: unknown;
  readonly #details: DenialDetails;

  constructor(status: Deny['status'], headers: ResponseHeaders, body: ProblemDetails, reason: Reason, details: DenialDetails) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.reason = reason;
    if (details.cause !== undefined) this.cause = details.cause;
    this.#details = details;
    Object.freeze(this);
  }

  with(headers: ResponseHeaders): Denial {
    return new Denial(this.status, headers, this.body, this.reason, this.#details);
  }

  explain(): Explanation {
    return explanationOf(this.reason, this.#details);
  }
}
