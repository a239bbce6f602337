import Fastify, { type FastifyInstance, type onRequestHookHandler, type RouteHandlerMethod } from 'fastify';
import { tokenward } from '@tokenward/fastify';
import type { Apps, Ingredients } from '../app.ts';

export async function fastifyApps({ options, credentials, check, admit }: Ingredients): Promise<Apps> {
  const app = Fastify();
  await app.register(tokenward, options);
  return {
    unguarded: await dispatchOf(Fastify(), [], () => check()),
    step: await dispatchOf(Fastify(), [(_request, _reply, done) => done()], () => check()),
    guarded: await dispatchOf(app, [credentials === 'optional' ? app.guard.optional() : app.guard()], (request) => admit(request.auth)),
  };
}

async function dispatchOf(app: FastifyInstance, onRequest: onRequestHookHandler[], handler: RouteHandlerMethod): Promise<Apps['guarded']> {
  app.get('/me', { onRequest }, handler);
  await app.ready();
  return (request, response) => app.routing(request, response);
}
