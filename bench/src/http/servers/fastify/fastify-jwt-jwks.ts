import Fastify from 'fastify';
import { fastifyJwtJwks } from 'fastify-jwt-jwks';
import { answerFrom } from '../answer.ts';
import { announce, HOST, setting, wantedCache, wantedPort } from '../listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const app = Fastify();

// its README names the cache among its options, and its types do not
const options = { jwksUrl: `${issuer}/jwks`, issuer, audience: setting('AUDIENCE'), cache: wantedCache() };
await app.register(fastifyJwtJwks, options);

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- it is not Express
app.get('/me', { preValidation: app.authenticate }, async (request) => answerFrom(request.user as Record<string, unknown>));

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
