import { express4App, express5App } from './frameworks/express.ts';
import { fastifyApp } from './frameworks/fastify.ts';
import { koaApp } from './frameworks/koa.ts';
import { nestOnExpress, nestOnFastify } from './frameworks/nestjs.ts';
import { nodeApp } from './frameworks/node.ts';
import type { Framework } from './frameworks/app-parts.ts';

export const frameworks: readonly Framework[] = [
  { name: 'node:http', http2: false, parsesBodies: false, create: nodeApp },
  { name: 'node:http2', http2: true, parsesBodies: false, create: nodeApp },
  { name: 'Express 5', http2: false, parsesBodies: true, create: express5App },
  { name: 'Express 4', http2: false, parsesBodies: true, create: express4App },
  { name: 'Fastify 5', http2: false, parsesBodies: true, create: fastifyApp },
  { name: 'Fastify 5 over HTTP/2', http2: true, parsesBodies: true, create: fastifyApp },
  { name: 'Koa 3', http2: false, parsesBodies: true, create: koaApp },
  { name: 'Koa 3 over HTTP/2', http2: true, parsesBodies: true, create: koaApp },
  { name: 'NestJS 12 on Express', http2: false, parsesBodies: true, create: nestOnExpress },
  { name: 'NestJS 12 on Fastify', http2: false, parsesBodies: false, create: nestOnFastify },
];
