import { getAuth, tokenward } from '@tokenward/fastify';
import Fastify from 'fastify';
import { announce, HOST, wantedPort } from '../listen.ts';

const app = Fastify();

// reads ISSUER_BASE_URL and AUDIENCE
await app.register(tokenward);

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- it is not Express
app.get('/me', { onRequest: app.guard() }, async (request) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(request);
  return { subject, issuer, clientId, scopes, roles };
});

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
