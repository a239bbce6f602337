import { fileURLToPath } from 'node:url';
import express from 'express';
import type { OpenPort } from '../listen.ts';

/** The page's configuration. Nothing in it is secret, because a page cannot keep a secret. */
export interface WebAppConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** The API's URL, and the identifier by which the authorization server knows it. */
  readonly api: string;
  readonly resource: string;
}

/** Serves a single-page app, with all its files from its own origin. */
export function startWebApp({ server }: OpenPort, config: WebAppConfig): void {
  const headers = {
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ${config.issuer} ${config.api}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    // the callback URL holds the code
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  const root = import.meta.dirname;
  const oauth4webapi = fileURLToPath(import.meta.resolve('oauth4webapi'));

  const app = express();
  app.disable('x-powered-by');
  app.use((_request, response, next) => {
    response.set(headers);
    next();
  });
  app.get(['/', '/callback'], (_request, response) => response.sendFile('index.html', { root, cacheControl: false }));
  app.get('/page.js', (_request, response) => response.sendFile('page.js', { root, cacheControl: false }));
  app.get('/page.css', (_request, response) => response.sendFile('page.css', { root, cacheControl: false }));
  app.get('/oauth4webapi.js', (_request, response) => response.type('js').sendFile(oauth4webapi, { cacheControl: false, dotfiles: 'allow' }));
  app.get('/config.json', (_request, response) => response.json(config));
  server.on('request', app);
}
