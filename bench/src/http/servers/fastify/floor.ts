import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { Answer } from '../answer.ts';
import { createFloor } from '../floor.ts';
import { announce, HOST, wantedPort } from '../listen.ts';

const floor = createFloor();
const app = Fastify();

app.decorateRequest('me', null);

function guard(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const { authorization } = request.headers;
  const known = floor.known(authorization);
  if (known) {
    request.setDecorator('me', known);
    done();
    return;
  }
  void floor.verified(authorization).then((me) => {
    if (!me) return reply.code(401).send();
    request.setDecorator('me', me);
    return done();
  });
}

// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- it is not Express
app.get('/me', { onRequest: guard }, async (request) => {
  const { subject, issuer, clientId, scopes, roles } = request.getDecorator<Answer>('me');
  return { subject, issuer, clientId, scopes, roles };
});

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
