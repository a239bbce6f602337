import { once } from 'node:events';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway } from '@nestjs/websockets';
import { Scopes } from '@tokenward/nestjs';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createCertificates, thumbprintOf } from '../../testing/test/certificates.js';
import { createWorld } from './app.js';

@WebSocketGateway({ path: '/feed' })
@Scopes('feed')
class FeedGateway {}

test('rule 92: a handshake needs the certificate to which its token is bound', async () => {
  const { authority: ca, server, client, otherClient } = createCertificates();
  const world = await createWorld();
  onTestFinished(() => world.close());
  const { origin } = await world.start({
    providers: [FeedGateway],
    tls: { ...server, ca, requestCert: true, rejectUnauthorized: false },
    prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
  });
  const token = await world.token({ scopes: ['feed'], claims: { cnf: { 'x5t#S256': thumbprintOf(client.cert) } } });

  async function statusWith(identity: object): Promise<number> {
    const socket = new WebSocket(`${origin.replace('https', 'wss')}/feed`, { ca, ...identity, headers: { authorization: `Bearer ${token}` } });
    const status = await Promise.race([
      once(socket, 'open').then(() => 101),
      once(socket, 'unexpected-response').then(([, response]) => (response as { statusCode: number }).statusCode),
    ]);
    socket.on('error', () => {}).terminate();
    return status;
  }

  expect([await statusWith(client), await statusWith(otherClient), await statusWith({})]).toEqual([101, 401, 401]);
});
