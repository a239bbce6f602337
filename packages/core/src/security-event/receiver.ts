import type { ResponseHeaders } from '../decision/decision.js';

/** A request that an authorization server sends to an API. */
export interface ReceivedMessage {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Bytes or text as they came, or what a body parser made of a form. Longer ones than 64 KiB are not to be read. */
  readonly body: unknown;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

/** Takes a message in, and says what to answer. It never throws and never rejects. */
export type MessageReceiver = (message: ReceivedMessage) => Promise<ReceiverAnswer>;

/** So much of a body is read at the most. */
export const MAX_MESSAGE_BYTES = 65_536;

export const NOT_A_POST: ReceiverAnswer = answer(405, '', { allow: 'POST' });

export function answer(status: number, body: string, headers: ResponseHeaders = {}): ReceiverAnswer {
  return Object.freeze({
    status,
    headers: Object.freeze({ 'cache-control': 'no-store', ...(body !== '' && { 'content-type': 'application/json' }), ...headers }),
    body,
  });
}

/** The media type of a message, without parameters. */
export function mediaTypeOf({ headers }: ReceivedMessage): string | undefined {
  const field = singleField(headers, 'content-type');
  return field?.split(';', 1)[0]!.trim().toLowerCase();
}

/** Of a field that must stand there once, two lines are none. */
export function singleField(headers: ReceivedMessage['headers'], name: string): string | undefined {
  const field = headers[name];
  if (field === undefined || typeof field === 'string') return field;
  return field.length === 1 ? field[0] : undefined;
}

/** undefined: it is no text, or too long. */
export function textOf(body: unknown): string | undefined {
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : undefined;
  return text !== undefined && text.length <= MAX_MESSAGE_BYTES ? text : undefined;
}
