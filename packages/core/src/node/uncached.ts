import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createMemory } from '../lib/private-slot.js';
import { isCacheField, removeCacheFields } from './cache-fields.js';

type WriteHead = (this: ServerResponse, status: number, ...given: unknown[]) => ServerResponse;

const kept = createMemory<ServerResponse, true>();

/**
 * Makes a response have `Cache-Control: no-store` when its headers are sent, whatever a handler sets before that. The response sets the cookie of a session, so
 * a cache that stored it would log others in (RFC 9111 s7.3).
 */
export function keepOutOfCaches(response: ServerResponse): void {
  const { writeHead } = response as { readonly writeHead?: unknown };
  // a stand-in for a response may lack it
  if (typeof writeHead !== 'function' || kept.get(response)) return;
  kept.set(response, true);
  const write: WriteHead = function (status, ...given) {
    const last = given.length - 1;
    if (typeof given[last] === 'object' && given[last] !== null) given[last] = withoutCacheFields(given[last]);
    if (!response.headersSent) {
      removeCacheFields(response);
      response.setHeader('cache-control', 'no-store');
    }
    return Reflect.apply(writeHead, this, [status, ...given]) as ServerResponse;
  };
  Reflect.defineProperty(response, 'writeHead', { value: write, configurable: true, writable: true });
}

/** @param fields an object, a list of alternating names and values, or a list of pairs: Node accepts all three */
function withoutCacheFields(fields: object): unknown {
  if (!Array.isArray(fields)) {
    const others: OutgoingHttpHeaders = { ...fields };
    for (const name of Object.keys(others)) if (isCacheField(name)) delete others[name];
    return others;
  }
  const list = fields as unknown[];
  return Array.isArray(list[0])
    ? list.filter((pair) => !isCacheField(String((pair as unknown[])[0])))
    : list.filter((_text, at) => !isCacheField(String(list[at - (at % 2)])));
}
