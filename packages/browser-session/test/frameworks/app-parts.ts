import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { BrowserSession, BrowserSessionOptions, ProxyUpgrade } from '@tokenward/browser-session';

/** What the app of each framework is made of. */
export interface AppParts {
  readonly options: BrowserSessionOptions;
  /** The audience of the app's own handlers. */
  readonly audience: string;
  /** The API behind `/api`. */
  readonly api: string;
  /** It listens already. Fastify adds its listener by itself. */
  readonly server: Server | Http2Server;
  /** Files that anybody may get, by their path. Default: none. */
  readonly files?: ReadonlyMap<string, AppFile> | undefined;
}

/** A file of the app: a page, or a script. */
export interface AppFile {
  readonly type: string;
  readonly text: string;
}

/** The app of a framework. */
export interface FrameworkApp {
  readonly session: Pick<BrowserSession, 'health' | 'close'>;
  readonly upgrade: ProxyUpgrade['upgrade'];
  /** undefined if the framework has added it. */
  readonly listener: RequestListener<typeof IncomingMessage, typeof ServerResponse> | undefined;
  close(): Promise<void>;
}

/**
 * A framework with its usual body parsers, mounted before the session for all requests. The app has, in this order:
 *
 * - the session's routes
 * - `/api`: the proxy, with WebSockets
 * - `files`
 * - `GET /page`: `{ user }` as the server sees it, without a guard
 * - the guard, for all that follows
 * - `GET /me`: `{ subject }`; `POST /echo`: the parsed body
 */
export interface Framework {
  readonly name: string;
  readonly http2: boolean;
  /** Whether a body parser runs before the proxy for all requests. */
  readonly parsesBodies: boolean;
  create(parts: AppParts): Promise<FrameworkApp>;
}
