import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler, preHandlerHookHandler, RouteHandlerMethod } from 'fastify';

declare global {
  const app: FastifyInstance;
  const list: RouteHandlerMethod;
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
