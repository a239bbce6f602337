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

At the end of the page, the operator's panel rotates keys, stops the authorization server, and ends your session.
It is for this demo alone, as is what follows here: each call of the page, what the client reads, and why the operator
knows that it was refused. A real app tells its clients no reasons. Ctrl-C ends the demo.
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
