import { once } from 'node:events';
import { ALICE, ORDERS_API } from './cast.ts';
import type { Screen } from './screen.ts';
import type { World } from './world.ts';

/** Leaves everything running until Ctrl-C, or until whoever started it ends it. */
export async function serve({ webApp, authorizationServer, api }: World, screen: Screen): Promise<void> {
  screen.title('\nOpen this in a browser and click through the whole way:');
  screen.plain(`
  ${webApp.url}   the web app: log in there as ${ALICE.username}, password ${ALICE.password}

  ${authorizationServer.issuer}/.well-known/openid-configuration   what the authorization server says of itself
  ${authorizationServer.issuer}/jwks   its public keys
  ${api.url}/orders   the API: without a token it answers 401
  (the API's identifier, which stands in a token's aud, is ${ORDERS_API})

Ctrl-C ends it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
