import type { Framework } from '../../framework.ts';
import type { Apps, Ingredients } from '../app.ts';

/** Loads no other framework. */
export async function makeApps(framework: Framework, ingredients: Ingredients): Promise<Apps> {
  switch (framework) {
    case 'express':
      return (await import('./express.ts')).expressApps(ingredients);
    case 'fastify':
      return (await import('./fastify.ts')).fastifyApps(ingredients);
    case 'koa':
      return (await import('./koa.ts')).koaApps(ingredients);
    case 'nestjs':
      return (await import('./nestjs.ts')).nestjsApps('express', ingredients);
    case 'nestjs-fastify':
      return (await import('./nestjs.ts')).nestjsApps('fastify', ingredients);
  }
}
