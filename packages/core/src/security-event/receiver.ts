import type { ResponseHeaders } from '../decision/decision.js';
import { inTime } from '../lib/in-time.js';
import { fieldOf } from '../request/fields.js';

/** A request that an authorization server sends to a receiver. */
export interface ReceivedMessage {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as bytes or text, or as an object that a body parser created from a form. Do not read more than 64 KiB. */
  readonly body: unknown;
}

/** The response to a {@link ReceivedMessage}. */
export interface ReceiverAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
  /** Why a message could not be handled now, if the status is 503: for your own code and logs, not for the sender. */
  readonly failure?: ReceiverFailure | undefined;
}

/**
 * Why a message could not be handled now. `store`: a store cannot keep what it revokes. `issuer`, `keys`: the issuer or its keys cannot be fetched. `key`: the
 * message names a key that is not known yet. Anybody can send such a message, so this says nothing about the issuer.
 */
export type ReceiverFailure = 'store' | 'issuer' | 'keys' | 'key';

/** Handles a message, and returns the response. It never throws and never rejects. */
export type MessageReceiver = (message: ReceivedMessage) => Promise<ReceiverAnswer>;

/** A longer body is not read. */
export const MAX_MESSAGE_BYTES = 65_536;

export const NOT_A_POST: ReceiverAnswer = answer(405, '', { allow: 'POST' });

export function answer(status: number, body: string, headers: ResponseHeaders = {}, failure?: ReceiverFailure): ReceiverAnswer {
  return Object.freeze({
    status,
    headers: Object.freeze({ 'cache-control': 'no-store', ...(body !== '' && { 'content-type': 'application/json' }), ...headers }),
    body,
    ...(failure && { failure }),
  });
}

/** Waits for a store for 5 seconds. @throws Error (the promise rejects) if it takes longer: the sender then sends its message again */
export function answerOf<T>(store: T | PromiseLike<T>): Promise<T> {
  return inTime(store, () => {
    throw new Error('the store did not answer in time');
  });
}

const RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 60;

/** Returns the header that asks a sender to send its message again. */
export function retryAfter(seconds: number = RETRY_SECONDS): ResponseHeaders {
  return { 'retry-after': String(Math.min(Math.ceil(seconds), MAX_RETRY_SECONDS)) };
}

/** Returns the media type of a message, without parameters. */
export function mediaTypeOf({ headers }: ReceivedMessage): string | undefined {
  const field = singleField(headers, 'content-type');
  return field?.split(';', 1)[0]!.trim().toLowerCase();
}

/** Returns a header field that may occur only once; undefined if it is absent or repeated. The case of its name does not matter. */
export function singleField(headers: ReceivedMessage['headers'], name: string): string | undefined {
  const field = fieldOf({ headers }, name);
  if (field === undefined || typeof field === 'string') return field;
  return field.length === 1 ? field[0] : undefined;
}

/** Returns a body as text; undefined if it is not text, or too long. */
export function textOf(body: unknown): string | undefined {
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : undefined;
  return text !== undefined && text.length <= MAX_MESSAGE_BYTES ? text : undefined;
}
