import Fastify from 'fastify';
import { fastifyJwtJwks } from 'fastify-jwt-jwks';
import { answerFrom } from '../answer.ts';
import { announce, HOST, setting, wantedPort } from '../listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const app = Fastify();

await app.register(fastifyJwtJwks, { jwksUrl: `${issuer}/jwks`, issuer, audience: setting('AUDIENCE') });

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- it is not Express
app.get('/me', { preValidation: app.authenticate }, async (request) => answerFrom(request.user as Record<string, unknown>));

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
