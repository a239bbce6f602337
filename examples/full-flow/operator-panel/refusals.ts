import { AsyncLocalStorage } from 'node:async_hooks';
import type { Request, RequestHandler, Response } from 'express';
import { observe } from '@tokenward/express';

/** Why a request was refused, as the operator reads it. The client never does. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly summary: string;
  /** Where the documentation explains the reason. */
  readonly link: string;
}

/** An answer beside the operator's reason for it. */
export interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What the client reads. */
  readonly body: string;
  readonly refusal: Refusal | undefined;
}

export interface Refusals {
  /** Watches the requests that pass. A refused one gets the header {@link REFUSAL_HEADER}. */
  readonly watch: RequestHandler;
  /** Returns a refusal by the value of that header. */
  find(id: string): Refusal | undefined;
}

/** Names a refusal, for the panel. A product has no such header: its clients must not learn the reason. */
const REFUSAL_HEADER = 'x-demo-refusal';
const MAX_KEPT = 100;
const DOCUMENTATION = 'https://tokenward.github.io/tokenward/reasons/';

/** Joins each answer of the web app with the guard's event about it. Listeners run during the request, so its context says which one it is. */
export function createRefusals(onAnswer: (answer: Answer) => void): Refusals {
  const requests = new AsyncLocalStorage<{ response: Response; refusal: Refusal | undefined }>();
  const kept = new Map<string, Refusal>();
  let count = 0;

  observe('tokenward:refused', ({ status, reason, summary }) => {
    const request = requests.getStore();
    if (!request) return;
    const id = String(++count);
    request.refusal = { status, reason, summary, link: `${DOCUMENTATION}${reason.replaceAll('_', '-')}/` };
    kept.set(id, request.refusal);
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
    if (!request.response.headersSent) request.response.setHeader(REFUSAL_HEADER, id);
  });

  return {
    watch(request: Request, response: Response, next) {
      const { method, originalUrl: path } = request;
      const context: { response: Response; refusal: Refusal | undefined } = { response, refusal: undefined };
      const body = captureBody(response);
      response.once('finish', () => onAnswer({ method, path, status: response.statusCode, body: body(), refusal: context.refusal }));
      requests.run(context, next);
    },
    find: (id) => kept.get(id),
  };
}

/** Returns what a response ends with. The answers of the app's API are sent in one piece. */
function captureBody(response: Response): () => string {
  const end = response.end.bind(response) as (...parameters: unknown[]) => Response;
  let body = '';
  response.end = ((...parameters: unknown[]) => {
    const [chunk] = parameters;
    if (typeof chunk === 'string' || Buffer.isBuffer(chunk)) body = chunk.toString();
    return end(...parameters);
  }) as Response['end'];
  return () => body;
}
