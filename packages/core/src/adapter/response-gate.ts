import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createMemory } from '../lib/private-slot.js';

/** A response that nobody writes on but who was let through. */
export interface ResponseGate {
  /** The same response for whoever answers in the guard's stead: what is written on it goes out. */
  readonly pass: ServerResponse;
  /**
   * Lets everybody write again, and sends what was written meanwhile.
   *
   * @returns whether somebody had answered ahead of the decision
   */
  open(): boolean;
  /**
   * Forgets what was written meanwhile, headers included. The gate stays closed.
   *
   * @returns whether somebody had answered ahead of the decision
   */
  clear(): boolean;
  /** From here on nothing is written, and whoever tries is not told: the answer is out. */
  seal(): void;
}

type Method = (...given: unknown[]) => unknown;

const WRITERS = ['writeHead', 'write', 'end', 'flushHeaders'] as const;
const HEADER_SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers'] as const;
/** What goes out ahead of the answer, or beside it. */
const HINTS = ['writeEarlyHints', 'writeContinue', 'writeProcessing', 'writeInformation', 'createPushResponse'] as const;
/** Of an HTTP/2 stream, which the response writes on: `http2`'s users may do so, too. */
const STREAM_WRITERS = ['respond', 'respondWithFD', 'respondWithFile', 'write', 'end'] as const;
const STREAM_HINTS = ['additionalHeaders', 'pushStream'] as const;

/**
 * Keeps everybody from answering while a guard that was called by hand decides. Whoever called it may not wait for it: their answer is kept
 * until the request is admitted, and forgotten where it is refused. Over HTTP/1 and HTTP/2.
 *
 * Over HTTP/1 it holds what is called on the response, and not what was taken from it before (`const { end } = res`), its prototype, or the socket: what
 * compresses answers has such methods of its own, and sends by them what the guard answers.
 */
export function closeGate(response: ServerResponse): ResponseGate {
  const known = gates.get(response);
  const gate = known ?? makeGate(response);
  if (!known) gates.set(response, gate);
  gate.enter();
  return gate;
}

/** Several guards may decide on one request at once: they share its gate. */
const gates = createMemory<ServerResponse, SharedGate>();

interface SharedGate extends ResponseGate {
  /** One more guard decides. */
  enter(): void;
}

function makeGate(response: ServerResponse): SharedGate {
  let state: 'closed' | 'open' | 'sealed' = 'open';
  let deciding = 0;
  let kept: (() => unknown)[] = [];
  /** Of what is kept, whether anything is an answer, and not a header of one. */
  let hasAnswer = false;
  let before: { readonly headers: OutgoingHttpHeaders; readonly status: { statusCode: number; statusMessage?: string } } | undefined;
  const originals = new Map<PropertyKey, Method>();

  function hold(target: object, name: string, isAnswer: boolean): void {
    const given = Reflect.get(target, name) as unknown;
    if (typeof given !== 'function') return;
    const original = given.bind(target) as Method;
    if (target === response) originals.set(name, original);
    replace(target, name, (...args) => {
      if (state === 'open') return original(...args);
      if (state === 'closed') {
        kept.push(() => original(...args));
        hasAnswer ||= isAnswer;
      }
      // a source that heeds it waits, and holds no more than it must
      return name === 'write' ? state === 'sealed' : target;
    });
  }

  for (const name of WRITERS) hold(response, name, true);
  for (const name of [...HEADER_SETTERS, ...HINTS]) hold(response, name, false);
  const { stream } = response as { readonly stream?: object };
  if (stream) {
    for (const name of STREAM_WRITERS) hold(stream, name, true);
    for (const name of STREAM_HINTS) hold(stream, name, false);
  }

  /** Node's own methods call each other on the response itself. */
  function letThrough(write: () => unknown): unknown {
    const was = state;
    state = 'open';
    try {
      return write();
    } finally {
      state = was;
    }
  }

  /** The status of whoever answers in the guard's stead: others may set one on the response meanwhile. */
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
    set: (target, name, value) =>
      name === 'statusCode' || name === 'statusMessage' ? Reflect.set(status, name, value) : Reflect.set(target, name, value, target),
  });

  return {
    pass,
    enter() {
      deciding++;
      if (state !== 'open') return;
      state = 'closed';
      // HTTP/2 has no words beside the status, and Node warns of whoever asks
      const words = 'stream' in response ? undefined : { statusMessage: response.statusMessage };
      before = { headers: { ...response.getHeaders() }, status: { statusCode: response.statusCode, ...words } };
    },
    open() {
      const wasUsed = hasAnswer;
      if (--deciding > 0 || state !== 'closed') return wasUsed;
      const waiting = kept;
      kept = [];
      hasAnswer = false;
      state = 'open';
      for (const write of waiting) write();
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

function replace(target: object, name: string, value: Method): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
