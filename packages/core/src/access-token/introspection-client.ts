import type { IntrospectingIssuer } from '../issuer/issuer.js';
import type { Clock } from '../lib/clock.js';
import { parseStrictObject, type JsonObject } from '../lib/json.js';
import { printableUrl } from '../lib/url.js';
import { createEndpointAddress, isJsonType, postForm, type EndpointAnswer } from '../net/endpoint-call.js';
import { rejectOn } from '../net/fetch-json.js';
import { IssuerRequestError } from '../net/issuer-request-error.js';
import { SIGNED_ANSWER, verifySignedAnswer } from './signed-introspection.js';

/** What an endpoint said about a token, or why its answer is not usable. */
export type Questioned =
  | { readonly answer: JsonObject }
  | {
      /** An own member: without it, a polluted prototype could give every failure an answer. */
      readonly answer: undefined;
      /** Names the address and what happened there. It contains nothing of the answer. */
      readonly message: string;
      /** Whether the endpoint would fail for every other token, too. */
      readonly isDown: boolean;
      /** How long the server asks us to wait. */
      readonly pauseSeconds: number | undefined;
    };

/** Sends requests to one introspection endpoint. */
export interface IntrospectionClient {
  ask(token: string, signal: AbortSignal): Promise<Questioned>;
  /** Finds the endpoint. @throws IssuerRequestError */
  warm(signal: AbortSignal): Promise<void>;
  /** Looks for the address in the metadata again. Introspections do not wait for this. */
  renewAddress(): void;
  close(): void;
  /** undefined: not known yet. */
  readonly address: string | undefined;
  /** Why the endpoint could not be looked for again. undefined if it could, or if it answers again. */
  readonly renewalError: string | undefined;
}

/** RFC 7662 sets no limit. An answer describes one token. */
const MAX_ANSWER_BYTES = 65_536;
/** A server may answer with these because of the token in the request. It would answer with any other status whatever the token. */
const ABOUT_THE_TOKEN: ReadonlySet<number> = new Set([400, 413, 414, 422, 500]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_PAUSE_SECONDS = 30;

export function createIntrospectionClient(issuer: IntrospectingIssuer, clock: Pick<Clock, 'now'>): IntrospectionClient {
  const { endpoint, transport, access, authenticate, tls, signed, timeoutSeconds } = issuer.introspection;
  const limits = { transport, maxBytes: MAX_ANSWER_BYTES, timeoutSeconds, access };
  const address = createEndpointAddress(endpoint, limits);

  async function readAnswer(url: string, answer: EndpointAnswer, signal: AbortSignal): Promise<Questioned> {
    const where = printableUrl(url);
    if (answer.status !== 200) return refusedWith(where, answer);
    const type = answer.header('content-type') ?? '';
    if (signed) {
      if (type.split(';', 1)[0]!.trim().toLowerCase() !== SIGNED_ANSWER)
        return unusable(`${where}: answered without a signature, and introspection.signed demands one`);
      // it may fetch keys, which has a time limit of its own
      const verified = await Promise.race([verifySignedAnswer(answer.body.toString('latin1').trim(), issuer, clock.now() / 1000), rejectOn(signal)]);
      return typeof verified === 'string' ? unusable(`${where}: ${verified}`) : { answer: verified };
    }
    if (!isJsonType(type)) return unusable(`${where}: answered with something other than JSON`);
    const parsed = parseStrictObject(answer.body);
    return parsed ? { answer: parsed } : unusable(`${where}: the answer is not a strict JSON object`);
  }

  return {
    async ask(token, signal) {
      try {
        const url = await address.find(signal);
        const form = new URLSearchParams({ token, token_type_hint: 'access_token' });
        const headers = await authenticate(form);
        const accept = signed ? SIGNED_ANSWER : 'application/json';
        const result = await readAnswer(url, await postForm(endpoint, url, { form, headers: { ...headers, accept }, tls: tls() }, limits, signal), signal);
        if (result.answer !== undefined || !result.isDown) address.worked();
        return result;
      } catch (error) {
        // another error, such as one of the key that signs assertions, could quote a secret
        const otherwise = signal.aborted ? `no complete answer within ${timeoutSeconds} s` : 'the request could not be sent';
        return { answer: undefined, message: error instanceof IssuerRequestError ? error.message : otherwise, isDown: true, pauseSeconds: undefined };
      }
    },
    async warm(signal) {
      await address.find(signal);
    },
    renewAddress() {
      address.renew();
    },
    close() {
      address.close();
    },
    get address() {
      return address.known;
    },
    get renewalError() {
      return address.renewalError;
    },
  };
}

function unusable(message: string): Questioned {
  return { answer: undefined, message, isDown: false, pauseSeconds: undefined };
}

function refusedWith(where: string, { status, header }: EndpointAnswer): Questioned {
  const retryAfter = header('retry-after');
  const pauseSeconds =
    (status === 429 || status === 503) && retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Math.min(Number(retryAfter), MAX_PAUSE_SECONDS) : undefined;
  return { answer: undefined, message: `${where}: answered with status ${status}${remedyFor(status)}`, isDown: !ABOUT_THE_TOKEN.has(status), pauseSeconds };
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403)
    return ": it does not accept this API's credentials. Compare introspection with the registration of the client there, and check that it may introspect";
  if (REDIRECTS.has(status)) return ': redirects are not followed, so set introspection.endpoint to the final address';
  return '';
}
