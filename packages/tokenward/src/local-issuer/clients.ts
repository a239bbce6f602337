import { randomBytes } from 'node:crypto';
import { isLoopback } from '@tokenward/core/store';
import type { ClientMetadata } from 'oidc-provider';

/** The clients of the local issuer. */
export interface LocalClients {
  /** For single-page, mobile and command line apps: no secret, PKCE. */
  readonly publicId: 'dev-app';
  /** For web apps with a server, services (client credentials), and APIs that introspect tokens. */
  readonly confidentialId: 'dev-server';
  /** The secret of `dev-server`, which is new at every start. */
  readonly secret: string;
}

export function createClients(): LocalClients {
  return { publicId: 'dev-app', confidentialId: 'dev-server', secret: randomBytes(32).toString('base64url') };
}

/** oidc-provider demands that a client registers one. The issuer accepts any on loopback. */
const ANY_LOOPBACK = ['http://127.0.0.1/callback'];

/** Returns the clients as oidc-provider registers them. */
export function registrationsOf({ publicId, confidentialId, secret }: LocalClients): ClientMetadata[] {
  return [
    {
      client_id: publicId,
      client_name: 'your app',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ANY_LOOPBACK,
      post_logout_redirect_uris: ANY_LOOPBACK,
    },
    {
      client_id: confidentialId,
      client_name: 'your web app',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      redirect_uris: ANY_LOOPBACK,
      post_logout_redirect_uris: ANY_LOOPBACK,
    },
  ];
}

/** Whether a browser that is sent to a URL stays on this machine. */
export function leadsToLoopback(text: string): boolean {
  const url = URL.parse(text);
  // a URL parser takes semicolons and commas in names of hosts, which would end a directive of the login page's policy
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    isLoopback(url.hostname) &&
    /^[\w.:[\]-]+$/.test(url.hostname) &&
    url.username === '' &&
    url.password === '' &&
    !text.includes('#')
  );
}
