import Fastify from 'fastify';
import { ownAnswer } from '../answer.ts';
import { announce, HOST, setting, wantedPort } from '../listen.ts';

const me = ownAnswer(setting('ISSUER_BASE_URL'));
const app = Fastify();

app.get('/me', async () => me);

await app.listen({ port: wantedPort(), host: HOST });
announce(app.server);
