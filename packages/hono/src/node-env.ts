import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';

/** What `@hono/node-server` has in a context. On other platforms there is neither, and for an `upgrade` there is no response. */
export interface NodeEnv {
  readonly incoming?: IncomingMessage | undefined;
  readonly outgoing?: ServerResponse | undefined;
}

/** Returns Node's own request and response, if the app runs on Node. Elsewhere bindings of the app may have these names. */
export function nodeOf({ env }: Context): NodeEnv {
  const { incoming, outgoing } = Object(env) as NodeEnv;
  if (typeof incoming?.httpVersion !== 'string' || !Array.isArray(incoming.rawHeaders)) return {};
  return typeof outgoing?.headersSent === 'boolean' ? { incoming, outgoing } : { incoming };
}
