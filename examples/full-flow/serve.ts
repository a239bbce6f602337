import { once } from 'node:events';
import { ORDERS_API, PEOPLE } from './cast.ts';
import type { Screen } from './screen.ts';
import type { World } from './world.ts';

/** Leaves everything running until SIGINT (Ctrl-C) or SIGTERM. */
export async function serve({ webApp, authorizationServer, api }: World, screen: Screen): Promise<void> {
  const users = PEOPLE.map(
    ({ username, password, roles }) => `  user ${username}, password ${password}${roles.length > 0 ? ` (role ${roles.join(', ')})` : ''}`,
  ).join('\n');
  screen.title('\nOpen this in a browser:');
  screen.plain(`
  ${webApp.url}   the web app

${users}

  ${authorizationServer.issuer}/.well-known/openid-configuration   the metadata of the authorization server
  ${authorizationServer.issuer}/jwks   its public keys
  ${api.url}/orders   the API: without a token it answers 401
  (the API's identifier, the aud of its tokens, is ${ORDERS_API})

The lines below say why a request was refused, as the operator of the web app sees it. Ctrl-C ends it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
