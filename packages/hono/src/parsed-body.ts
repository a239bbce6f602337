import type { Context } from 'hono';

/** Returns the body of a request if a body parser has read it already: a form as an object, anything else as text. Returns undefined if nobody has. */
export async function parsedBody({ req }: Context): Promise<unknown> {
  if (!req.raw.bodyUsed && Object.keys(req.bodyCache).length === 0) return undefined;
  try {
    const isForm = req.header('content-type')?.toLowerCase().startsWith('application/x-www-form-urlencoded');
    // all values, so that a doubled one is noticed
    return isForm ? await req.parseBody({ all: true }) : await req.text();
  } catch {
    return undefined;
  }
}
