import type { Context } from 'hono';
import { isCacheField } from '@tokenward/core/adapter';

/**
 * Makes a response the answer of a context. Headers that earlier middleware set, as `cors()` does, are kept, cookies included, but not those for caches. Hono
 * itself would let them replace those of the response.
 */
export function replaceResponse(context: Context, response: Response): void {
  const merged = new Headers(context.res.headers);
  for (const name of Array.from(merged.keys())) if (isCacheField(name) || OF_THE_BODY.has(name)) merged.delete(name);
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie') {
      // the response may have been made from headers of the context
      if (!merged.getSetCookie().includes(value)) merged.append(name, value);
    } else merged.set(name, value);
  }
  context.res = undefined;
  context.res = new Response(response.body, { status: response.status, headers: merged });
}

const OF_THE_BODY: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'content-type', 'etag', 'last-modified']);

/** Changes the headers of the answer that a context has or will get. */
export function addTo(context: Context, change: (fields: Headers) => void): void {
  try {
    change(context.res.headers);
  } catch {
    // the headers of what `fetch` returned, for example, cannot be changed
    const copy = new Response(context.res.body, context.res);
    change(copy.headers);
    context.res = undefined;
    context.res = copy;
  }
}
