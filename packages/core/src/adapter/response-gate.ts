import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { createMemory } from '../lib/private-slot.js';

/** Closes a response: only the guard's own answer is sent. */
export interface ResponseGate {
  /** The same response for the guard's answer: what is written on it is sent. */
  readonly pass: ServerResponse;
  /** Returns whether a part of an answer was written meanwhile. */
  isUsed(): boolean;
  /**
   * Lets everybody write again, and sends what was written meanwhile. If that fails, because an argument is wrong, it answers 500 or closes the connection: the
   * code that wrote it got no error.
   *
   * @returns whether somebody had answered before the decision
   */
  open(): boolean;
  /**
   * Drops what was written meanwhile, headers included. The gate stays closed.
   *
   * @returns whether somebody had answered before the decision
   */
  clear(): boolean;
  /** Ignores everything that is written from now on, without an error: the answer was sent. */
  seal(): void;
}

type Method = (...given: unknown[]) => unknown;

const WRITERS = ['writeHead', 'write', 'end', 'flushHeaders'] as const;
const HEADER_SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers', 'setTrailer'] as const;
/** Methods that send something before the answer, or in addition to it. */
const HINTS = ['writeEarlyHints', 'writeContinue', 'writeProcessing', 'writeInformation', 'createPushResponse'] as const;
/** Methods of the HTTP/2 stream under the response. Code may write on that stream directly. */
const STREAM_WRITERS = ['respond', 'respondWithFD', 'respondWithFile', 'write', 'end'] as const;
const STREAM_HINTS = ['additionalHeaders', 'pushStream'] as const;

/**
 * Closes a response while a guard that the app's own code called decides. A caller that does not wait may answer meanwhile. That answer is kept until the
 * request is admitted, and dropped if it is refused. Works over HTTP/1 and HTTP/2.
 *
 * Over HTTP/1 it intercepts calls on the response itself. It does not intercept the prototype, the socket, or methods that code took from the response earlier
 * (`const { end } = res`). Compression middleware depends on that: it sends the guard's answer through methods that it took.
 */
export function closeGate(response: ServerResponse): ResponseGate {
  const known = gates.get(response);
  const gate = known ?? makeGate(response);
  if (!known) gates.set(response, gate);
  gate.enter();
  return gate;
}

/** Several guards may decide on one request at once. They share its gate. */
const gates = createMemory<ServerResponse, SharedGate>();

interface SharedGate extends ResponseGate {
  /** Counts one more guard that decides. */
  enter(): void;
}

function makeGate(response: ServerResponse): SharedGate {
  let state: 'closed' | 'open' | 'sealed' = 'open';
  let deciding = 0;
  let kept: KeptCall[] = [];
  /** Whether the kept calls include a part of an answer, and not only headers. */
  let hasAnswer = false;
  let before: { readonly headers: OutgoingHttpHeaders; readonly status: { statusCode: number; statusMessage?: string } } | undefined;
  const originals = new Map<PropertyKey, Method>();

  function intercept(target: object, name: string, part: KeptCall['part']): void {
    const method = Reflect.get(target, name) as unknown;
    if (typeof method !== 'function') return;
    const original = method.bind(target) as Method;
    if (target === response) originals.set(name, original);
    replace(target, name, (...args) => {
      // a method of the guard's own answer may have replaced it
      if (state === 'open') return ((target === response && originals.get(name)) || original)(...args);
      if (state === 'closed') {
        kept.push({ part, run: () => original(...args) });
        hasAnswer ||= part === 'answer';
      }
      // false makes a stream wait for `drain`, so that less is kept
      return name === 'write' ? state === 'sealed' : target;
    });
  }

  for (const name of WRITERS) intercept(response, name, 'answer');
  for (const name of HEADER_SETTERS) intercept(response, name, 'header');
  for (const name of HINTS) intercept(response, name, 'hint');
  const { stream } = response as { readonly stream?: object };
  if (stream) {
    for (const name of STREAM_WRITERS) intercept(stream, name, 'answer');
    for (const name of STREAM_HINTS) intercept(stream, name, 'hint');
  }

  /** Opens the gate for one call, because Node's own methods call each other on the response. */
  function letThrough(write: () => unknown): unknown {
    const was = state;
    state = 'open';
    try {
      return write();
    } finally {
      state = was;
    }
  }

  /** The status of the guard's answer: others may set one on the response meanwhile. */
  let status: { statusCode?: number; statusMessage?: string } = {};

  const pass = new Proxy(response, {
    get(target, name) {
      if (Object.hasOwn(status, name)) return Reflect.get(status, name) as unknown;
      const original = originals.get(name);
      if (!original) return Reflect.get(target, name, target) as unknown;
      return (...given: unknown[]) => {
        if (!target.headersSent) Object.assign(target, status);
        const result = letThrough(() => original(...given));
        return result === target ? pass : result;
      };
    },
    // defined on the response itself, other code could call it past the gate
    defineProperty(target, name, descriptor) {
      if (!originals.has(name) || typeof descriptor.value !== 'function') return Reflect.defineProperty(target, name, descriptor);
      originals.set(name, descriptor.value as Method);
      return true;
    },
    set: (target, name, value) =>
      name === 'statusCode' || name === 'statusMessage' ? Reflect.set(status, name, value) : Reflect.set(target, name, value, target),
  });

  return {
    pass,
    isUsed: () => hasAnswer,
    enter() {
      deciding++;
      if (state !== 'open') return;
      state = 'closed';
      // HTTP/2 has no status message, and Node warns if it is read
      const message = 'stream' in response ? undefined : { statusMessage: response.statusMessage };
      before = { headers: { ...response.getHeaders() }, status: { statusCode: response.statusCode, ...message } };
    },
    open() {
      const wasUsed = hasAnswer;
      if (--deciding > 0 || state !== 'closed') return wasUsed;
      const waiting = kept;
      kept = [];
      hasAnswer = false;
      state = 'open';
      for (const { part, run } of waiting) {
        try {
          run();
        } catch (error) {
          // a header or a second answer after the first one is left out
          if (wasUsed && part !== 'hint' && isIncomplete(response, error)) {
            answerFailed(response);
            break;
          }
        }
      }
      if (wasUsed && !response.writableEnded) response.emit('drain');
      return wasUsed;
    },
    clear() {
      const wasUsed = hasAnswer;
      kept = [];
      hasAnswer = false;
      if (response.headersSent || !before) return wasUsed;
      const { headers } = before;
      status = { ...before.status };
      letThrough(() => {
        for (const name of response.getHeaderNames()) if (!(name in headers)) response.removeHeader(name);
        for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
      });
      return wasUsed;
    },
    seal() {
      kept = [];
      state = 'sealed';
    },
  };
}

/** A call on a response, kept until the decision. */
interface KeptCall {
  readonly part: 'answer' | 'header' | 'hint';
  run(): unknown;
}

/** Whether a call that failed leaves a response without its answer, or without a part of it. */
function isIncomplete(response: ServerResponse, error: unknown): boolean {
  return !response.headersSent || (!streamOf(response).writableEnded && !(error as NodeJS.ErrnoException).code?.includes('HEADERS_SENT'));
}

/** Over HTTP/2, the response says that it ended even if `end` threw. */
function streamOf(response: ServerResponse): ServerResponse | ServerHttp2Stream {
  return (response as { readonly stream?: ServerHttp2Stream }).stream ?? response;
}

/** Answers if a kept answer cannot be sent: otherwise the client would wait. */
function answerFailed(response: ServerResponse): void {
  if (response.headersSent) return cutOff(streamOf(response));
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.statusCode = 500;
  response.end();
}

/** RFC 9113 s7. Node names it in `node:http2`, which some runtimes do not have. */
const INTERNAL_ERROR = 2;

/** Ends an answer so that the client sees that a part is missing. */
function cutOff(stream: ServerResponse | ServerHttp2Stream): void {
  if ('close' in stream) stream.close(INTERNAL_ERROR);
  else stream.destroy();
}

function replace(target: object, name: string, value: Method): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
