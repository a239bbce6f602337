import { misuse } from '@tokenward/core/store';
import type { NodeRequest } from './native.js';

/** What a body parser made of a body that it has read. */
export interface ParsedBody {
  /** `request.body` of the framework. */
  readonly body?: unknown;
  /** The body as it came, where the parser keeps it (`rawBody`). */
  readonly rawBody?: unknown;
}

/** A body that was written again. */
export interface RebuiltBody {
  readonly bytes: Uint8Array;
  /** undefined if the body is as it came. */
  readonly contentType: string | undefined;
}

/** Returns what body parsers leave at a request. */
export function parsedOf(request: object): ParsedBody {
  return request;
}

/** Whether a body parser has read the body, so that the request's stream is at its end. */
export function isRead(request: NodeRequest): boolean {
  return request.readableDidRead;
}

/**
 * Writes a body again from what a body parser made of it.
 *
 * @throws ConfigurationError if that is not possible: for files of a form, for example
 */
export function rebuildBody({ body, rawBody }: ParsedBody, contentType: string): RebuiltBody {
  const isForm = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
  const isJson = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType);
  const mediaType = contentType.split(';', 1)[0]!.trim();
  if (rawBody instanceof Uint8Array) return { bytes: rawBody, contentType: undefined };
  if (body instanceof Uint8Array) return { bytes: body, contentType: undefined };
  // the parser has decoded it, whatever its charset was
  if (typeof rawBody === 'string') return { bytes: Buffer.from(rawBody), contentType: isForm || isJson ? mediaType : `${mediaType}; charset=utf-8` };
  if (isJson && body !== undefined) return { bytes: Buffer.from(JSON.stringify(body)), contentType: mediaType };
  if (isForm && typeof body === 'object' && body !== null) return { bytes: Buffer.from(formOf(body)), contentType: mediaType };
  if (typeof body === 'string') return { bytes: Buffer.from(body), contentType: mediaType === '' ? undefined : `${mediaType}; charset=utf-8` };
  throw misuse('request.body', 'was read by a body parser before, and cannot be written again. Mount the session and its proxy before that parser');
}

/** Nested fields, which some parsers make of brackets in names, are left out: their first form is not known. */
function formOf(body: object): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof one === 'string') form.append(name, one);
    }
  }
  return form.toString();
}
