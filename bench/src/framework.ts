/** The frameworks with an adapter. NestJS is there once per platform. */
export const FRAMEWORKS = ['express', 'fastify', 'koa', 'nestjs', 'nestjs-fastify'] as const;

export type Framework = (typeof FRAMEWORKS)[number];

export const TITLES: Readonly<Record<Framework, string>> = {
  express: 'Express',
  fastify: 'Fastify',
  koa: 'Koa',
  nestjs: 'NestJS on Express',
  'nestjs-fastify': 'NestJS on Fastify',
};
