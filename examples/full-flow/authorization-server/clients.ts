import type { ClientMetadata } from 'oidc-provider';
import { ORDERS_WEB, PUBLIC_CLIENTS } from '../cast.ts';

/** Addresses and secrets of the clients, which are known when the demo starts. */
export interface Registration {
  /** Where the browser returns to a public client with a code. */
  readonly redirectUri: string;
  /** Where the logout tokens of public clients are sent: to the API (OpenID Connect Back-Channel Logout). */
  readonly backchannelLogoutUri: string;
  /** The web app that keeps the tokens on its server. */
  readonly webApp: { readonly origin: string; readonly clientSecret: string; readonly accessTokenLifetimeSeconds: number };
}

/** Returns how long a client's access tokens live. */
export function accessTokenLifetimeOf(clientId: string, { webApp }: Registration): number {
  return clientId === ORDERS_WEB.id ? webApp.accessTokenLifetimeSeconds : PUBLIC_CLIENTS.find(({ id }) => id === clientId)!.accessTokenLifetimeSeconds;
}

/** Returns the clients as oidc-provider registers them. */
export function registeredClients({ redirectUri, backchannelLogoutUri, webApp }: Registration): ClientMetadata[] {
  const register = (client: ClientMetadata): ClientMetadata => ({
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // the logout token names the session that has ended
    backchannel_logout_session_required: true,
    require_auth_time: true,
    ...client,
  });
  return [
    ...PUBLIC_CLIENTS.map(({ id, name }) =>
      register({
        client_id: id,
        client_name: name,
        token_endpoint_auth_method: 'none',
        redirect_uris: [redirectUri],
        backchannel_logout_uri: backchannelLogoutUri,
      }),
    ),
    register({
      client_id: ORDERS_WEB.id,
      client_name: ORDERS_WEB.name,
      client_secret: webApp.clientSecret,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [`${webApp.origin}/session/callback`],
      post_logout_redirect_uris: [`${webApp.origin}/`],
      backchannel_logout_uri: `${webApp.origin}/session/backchannel-logout`,
    }),
  ];
}
