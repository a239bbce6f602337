import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import express, { type NextFunction, type Request, type Response } from 'express';
import { closeServer, type OpenPort } from '../listen.ts';
import type { Registration } from './clients.ts';
import { createInteractions } from './interactions.ts';
import { createLogins, type EndedLogins } from './logins.ts';
import { generateSigningKey, type SigningKey } from './keys.ts';
import { createProvider, type ProviderState } from './provider.ts';
import { createStore } from './store.ts';

export interface AuthorizationServer {
  readonly issuer: string;
  /** The id of the key that signs now. */
  readonly signingKeyId: string;
  /** Signs with a new key from now on. The old keys stay published, so that their tokens remain valid. */
  rotateKeys(): Promise<void>;
  /** Publishes only the key that signs now. */
  withdrawOldKeys(): void;
  /** Sends logout tokens for all logins of a user at a client (OpenID Connect Back-Channel Logout), as after a logout at another app. */
  endSessions(clientId: string, username: string): Promise<EndedLogins>;
  readonly isRunning: boolean;
  /** Answers again at the same address, after a stop. Nobody's session is lost meanwhile. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an authorization server: oidc-provider with our own login and consent pages. */
export async function startAuthorizationServer({ server, origin }: OpenPort, registration: Registration): Promise<AuthorizationServer> {
  const cookieKeys = [randomBytes(32).toString('base64url')];
  const state: ProviderState = { issuer: origin, store: createStore(), cookieKeys, registration };
  let keys: readonly SigningKey[] = [await generateSigningKey()];
  let provider = createProvider(state, keys);
  let answer = provider.callback();
  const logins = createLogins();
  logins.watch(provider);

  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders(registration));
  app.use(
    '/interaction',
    createInteractions(() => provider),
  );
  app.get('/pages.css', (_request, response) => response.sendFile('pages.css', { root: import.meta.dirname }));
  app.get('/pages.svg', (_request, response) => response.sendFile('pages.svg', { root: import.meta.dirname }));
  app.use((request, response) => answer(request, response));
  server.on('request', app);

  /**
   * oidc-provider reads its keys only when it is created. So a new one replaces it at the same address, with the same store, as in a rolling
   * restart.
   */
  function replaceProvider(newKeys: readonly SigningKey[]): void {
    keys = newKeys;
    provider = createProvider(state, keys);
    answer = provider.callback();
    logins.watch(provider);
  }

  return {
    issuer: state.issuer,
    get signingKeyId() {
      return keys[0]!.kid;
    },
    rotateKeys: async () => replaceProvider([await generateSigningKey(), ...keys]),
    withdrawOldKeys: () => replaceProvider(keys.slice(0, 1)),
    endSessions: (clientId, username) => logins.end(provider, clientId, username),
    get isRunning() {
      return server.listening;
    },
    async start() {
      if (server.listening) return;
      server.listen(Number(new URL(origin).port), '127.0.0.1');
      await once(server, 'listening');
    },
    stop: () => closeServer(server),
  };
}

/** Sets headers for the pages. They take a password and consent, so no site may frame them, and no foreign script may run in them. */
function pageHeaders({ redirectUri, webApp }: Registration) {
  const origins = [...new Set([new URL(redirectUri).origin, webApp.origin])].join(' ');
  const headers = {
    // Browsers apply form-action to redirects too, and the last one leads back to the app. oidc-provider adds the hash of its own script to script-src:
    // it submits the form of a logout without a session
    'content-security-policy': `default-src 'none'; script-src; style-src 'self'; img-src 'self'; form-action 'self' ${origins}; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  return (_request: Request, response: Response, next: NextFunction): void => {
    response.set(headers);
    next();
  };
}
