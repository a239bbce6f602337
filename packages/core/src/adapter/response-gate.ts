import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createMemory } from '../memory.js';

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
type Writer = 'writeHead' | 'write' | 'end' | 'flushHeaders';

const WRITERS: readonly Writer[] = ['writeHead', 'write', 'end', 'flushHeaders'];
const HEADER_SETTERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'addTrailers'] as const;

/**
 * Keeps everybody from answering while a guard that was called by hand decides. Whoever called it may not wait for it: their answer is kept
 * until the request is admitted, and forgotten where it is refused. Over HTTP/1 and HTTP/2.
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
  let before: { readonly headers: OutgoingHttpHeaders; readonly status: object } | undefined;
  const originals = new Map<PropertyKey, Method>();

  for (const name of WRITERS) {
    const original = (response[name] as Method).bind(response);
    originals.set(name, original);
    replace(response, name, (...given) => {
      if (state === 'open') return original(...given);
      if (state === 'closed') {
        kept.push(() => original(...given));
        hasAnswer = true;
      }
      // a source that heeds it waits, and holds no more than it must
      return name === 'write' ? state === 'sealed' : response;
    });
  }

  for (const name of HEADER_SETTERS) {
    if (!(name in response)) continue;
    const original = (response as unknown as Record<string, Method>)[name]!.bind(response);
    originals.set(name, original);
    replace(response, name, (...given) => {
      if (state === 'open') return original(...given);
      if (state === 'closed') kept.push(() => original(...given));
      return response;
    });
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

  const pass = new Proxy(response, {
    get(target, name) {
      const original = originals.get(name);
      if (!original) return Reflect.get(target, name, target) as unknown;
      return (...given: unknown[]) => {
        const result = letThrough(() => original(...given));
        return result === target ? pass : result;
      };
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
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
      const { headers, status } = before;
      letThrough(() => {
        for (const name of response.getHeaderNames()) if (!(name in headers)) response.removeHeader(name);
        for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
      });
      Object.assign(response, status);
      return wasUsed;
    },
    seal() {
      kept = [];
      state = 'sealed';
    },
  };
}

function replace(response: ServerResponse, name: string, value: Method): void {
  Object.defineProperty(response, name, { value, configurable: true, writable: true });
}
