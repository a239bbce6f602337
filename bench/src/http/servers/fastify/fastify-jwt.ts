import fastifyJwt from '@fastify/jwt';
import Fastify from 'fastify';
import buildGetJwks from 'get-jwks';
import { answerFrom } from '../answer.ts';
import { announce, HOST, setting, wantedCache, wantedPort } from '../listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const getJwks = buildGetJwks({ issuersWhitelist: [issuer], jwksPath: '/jwks' });
const app = Fastify();

await app.register(fastifyJwt, {
  decode: { complete: true },
  secret: (_request: unknown, token: unknown) => {
    const { header, payload } = token as { header: { kid: string; alg: string }; payload: { iss: string } };
    return getJwks.getPublicKey({ kid: header.kid, domain: payload.iss, alg: header.alg });
  },
  verify: { algorithms: ['RS256'], allowedIss: issuer, allowedAud: setting('AUDIENCE'), cache: wantedCache() },
});

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- it is not Express
app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => answerFrom(request.user as Record<string, unknown>));

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
