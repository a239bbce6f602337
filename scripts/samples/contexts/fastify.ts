import type { FastifyGuard as Guard } from '@tokenward/fastify';
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';

declare global {
  type FastifyGuard = Guard;
  const app: FastifyInstance;
  const list: RouteHandlerMethod;
  const remove: RouteHandlerMethod;
}
