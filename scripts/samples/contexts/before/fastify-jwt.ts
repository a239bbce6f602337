import type { FastifyRequest, onRequestAsyncHookHandler, preHandlerHookHandler } from 'fastify';

declare global {
  function needScope(name: string): preHandlerHookHandler;
}

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: { sub: string };
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    authenticate: (request: FastifyRequest) => ReturnType<onRequestAsyncHookHandler>;
  }
}
