import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { SESSION_CREDENTIALS, type BrowserSessionCredentials } from './session-credentials.js';

/** A browser session that a guard asks about requests. */
export interface AskedSession {
  /** The value of the option, by which several guards know that they ask the same session. */
  readonly session: object;
  /** Anything may be returned or thrown: the session may be anybody's code. */
  ask(request: ProtectedRequest): unknown;
}

/** Reads the option `session` of a guard. The method is read once, so that nothing can replace it later. */
export function readSession(reader: OptionReader, name: string): AskedSession | undefined {
  const session = reader.get(name);
  if (session === undefined) return undefined;
  const asked = askedOf(session);
  if (asked) return asked;
  reader.wrong(name, `must be a browser session (got ${shown(session)}). Pass what createBrowserSession(...) of @tokenward/browser-session returns`);
  return undefined;
}

function askedOf(session: unknown): AskedSession | undefined {
  if ((typeof session !== 'object' && typeof session !== 'function') || session === null) return undefined;
  try {
    const method = (session as Partial<BrowserSessionCredentials>)[SESSION_CREDENTIALS] as unknown;
    return typeof method === 'function' ? { session, ask: (request) => Reflect.apply(method, session, [request]) as unknown } : undefined;
  } catch {
    // a getter may throw
    return undefined;
  }
}
