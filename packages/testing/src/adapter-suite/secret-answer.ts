import type { HandlerAnswer } from './app.js';
import type { Received } from './exchange.js';

const SECRET = 'what the handler answers';

/** What a handler answers if a refused request must not see any of it: neither the body, nor a field, nor a cookie. */
export const SECRET_ANSWER: HandlerAnswer = {
  status: 200,
  headers: { 'x-secret': SECRET, 'set-cookie': `session=${encodeURIComponent(SECRET)}` },
  body: { secret: SECRET },
};

/** Returns whether an answer has any part of the {@link SECRET_ANSWER}. */
export function showsSecret({ body, headers }: Received): boolean {
  return body.includes(SECRET) || headers.get('x-secret') !== null || headers.get('set-cookie') !== null;
}
