import { randomBytes } from 'node:crypto';
import express, { type NextFunction, type Request, type Response } from 'express';
import { closeServer, type OpenPort } from '../listen.ts';
import { createInteractions } from './interactions.ts';
import { generateSigningKey, type SigningKey } from './keys.ts';
import { createProvider, type ProviderState } from './provider.ts';
import { createStore } from './store.ts';

export interface AuthorizationServer {
  readonly issuer: string;
  /** The key that signs now. */
  readonly signingKeyId: string;
  /** Signs with a new key from now on; the old ones stay published, so that their tokens live on. */
  rotateKeys(): Promise<void>;
  /** Publishes the key that signs now and no other. */
  withdrawOldKeys(): void;
  stop(): Promise<void>;
}

/** A whole authorization server: oidc-provider, with our login and consent pages before it. */
export async function startAuthorizationServer({ server, origin }: OpenPort, redirectUri: string, backchannelLogoutUri: string): Promise<AuthorizationServer> {
  const cookieKeys = [randomBytes(32).toString('base64url')];
  const state: ProviderState = { issuer: origin, store: createStore(), cookieKeys, redirectUri, backchannelLogoutUri };
  let keys: readonly SigningKey[] = [await generateSigningKey()];
  let provider = createProvider(state, keys);
  let answer = provider.callback();

  const app = express();
  app.disable('x-powered-by');
  app.use(pageHeaders(redirectUri));
  app.use(
    '/interaction',
    createInteractions(() => provider),
  );
  app.get('/pages.css', (_request, response) => response.sendFile('pages.css', { root: import.meta.dirname }));
  app.use((request, response) => answer(request, response));
  server.on('request', app);

  /**
   * oidc-provider takes its keys once, when it is made. So a new one takes over behind the same address, with the same store: what a rolling
   * restart does to a fleet.
   */
  function takeOver(newKeys: readonly SigningKey[]): void {
    keys = newKeys;
    provider = createProvider(state, keys);
    answer = provider.callback();
  }

  return {
    issuer: state.issuer,
    get signingKeyId() {
      return keys[0]!.kid;
    },
    rotateKeys: async () => takeOver([await generateSigningKey(), ...keys]),
    withdrawOldKeys: () => takeOver(keys.slice(0, 1)),
    stop: () => closeServer(server),
  };
}

/** The pages take a password and a decision: nobody may frame them, and nothing foreign runs in them. */
function pageHeaders(redirectUri: string) {
  const headers = {
    // browsers hold a form's redirects to form-action too: the last one leads back to the app
    'content-security-policy': `default-src 'none'; style-src 'self'; form-action 'self' ${new URL(redirectUri).origin}; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  return (_request: Request, response: Response, next: NextFunction): void => {
    response.set(headers);
    next();
  };
}
