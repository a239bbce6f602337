import { once } from 'node:events';
import { ALICE, ORDERS_API } from './cast.ts';
import type { Screen } from './screen.ts';
import type { World } from './world.ts';

/** Leaves everything running until SIGINT (Ctrl-C) or SIGTERM. */
export async function serve({ webApp, authorizationServer, api }: World, screen: Screen): Promise<void> {
  screen.title('\nOpen this in a browser:');
  screen.plain(`
  ${webApp.url}   the web app: log in as ${ALICE.username}, password ${ALICE.password}

  ${authorizationServer.issuer}/.well-known/openid-configuration   the metadata of the authorization server
  ${authorizationServer.issuer}/jwks   its public keys
  ${api.url}/orders   the API: without a token it answers 401
  (the API's identifier, the aud of its tokens, is ${ORDERS_API})

Ctrl-C ends it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
