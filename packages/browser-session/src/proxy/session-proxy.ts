import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BrowserSessionCredentials } from '@tokenward/core/store';
import type { LinkedSession } from '../session-link.js';

/** Opens a WebSocket to the API. */
export interface ProxyUpgrade {
  /**
   * Handles the `upgrade` event of a Node server. It needs the options `webSockets` and `mountPath`. Pages of other origins are refused; a page cannot send the custom
   * header with a WebSocket. The WebSocket is closed when its session ends, as far as this process knows.
   *
   * @returns false if the path is not under `mountPath`, and the socket is untouched
   *
   * @example server.on('upgrade', (req, socket, head) => void orders.upgrade(req, socket, head));
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<boolean>;
}

/** Passes requests of the app's pages to an API, with the session's access token. */
export interface SessionProxy extends ProxyUpgrade {
  /** @param mountPath is removed from the path. Default: the option `mountPath` */
  (request: Request, mountPath?: string): Promise<Response>;
}

/** What a proxy needs of the session. */
export interface ProxiedSession extends BrowserSessionCredentials, LinkedSession {
  readonly origin: string;
}
