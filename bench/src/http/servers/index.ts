import type { Framework } from '../../framework.ts';
import type { ServerCandidate } from '../candidate.ts';

export const servers: readonly ServerCandidate[] = [
  unprotected('express', ['express']),
  floor('express'),
  smallest('express'),
  example('express', import.meta.resolve('@tokenward/example-express/server.ts')),
  behind('express', 'express-oauth2-jwt-bearer', ['express-oauth2-jwt-bearer']),
  behind('express', 'express-jwt', ['express-jwt', 'jwks-rsa']),

  unprotected('fastify', ['fastify']),
  floor('fastify'),
  smallest('fastify'),
  example('fastify', import.meta.resolve('@tokenward/example-fastify/server.ts')),
  behind('fastify', 'fastify-jwt', ['@fastify/jwt', 'get-jwks']),
  withItsCache(behind('fastify', 'fastify-jwt', ['@fastify/jwt', 'get-jwks'])),
  behind('fastify', 'fastify-jwt-jwks', ['fastify-jwt-jwks']),
  withItsCache(behind('fastify', 'fastify-jwt-jwks', ['fastify-jwt-jwks'])),

  unprotected('koa', ['koa', '@koa/router']),
  floor('koa'),
  smallest('koa'),
  example('koa', import.meta.resolve('@tokenward/example-koa/server.ts')),
  behind('koa', 'koa-jwt', ['koa-jwt', 'jwks-rsa']),

  unprotected('nestjs', ['@nestjs/core', '@nestjs/platform-express']),
  floor('nestjs'),
  behind('nestjs', 'tokenward', ['@tokenward/nestjs']),
  behind('nestjs', 'passport-jwt', ['@nestjs/passport', 'passport-jwt', 'jwks-rsa']),

  unprotected('nestjs-fastify', ['@nestjs/core', '@nestjs/platform-fastify']),
  floor('nestjs-fastify'),
  behind('nestjs-fastify', 'tokenward', ['@tokenward/nestjs']),
  behind('nestjs-fastify', 'passport-jwt', ['@nestjs/passport', 'passport-jwt', 'jwks-rsa']),
];

/** The smallest app that gives the same answer to everybody. */
function unprotected(framework: Framework, packageNames: readonly string[]): ServerCandidate {
  return { name: 'no protection (ceiling)', framework, packageNames, isProtected: false, ...programOf(framework, 'unprotected') };
}

/** The least that a guard can do for a known token: see bench/README.md. */
function floor(framework: Framework): ServerCandidate {
  return { name: 'a look-up in a Map (floor)', framework, packageNames: ['jose'], isProtected: true, ...programOf(framework, 'floor') };
}

/** The same app behind a guard: a peer's, or ours where the example would have to be compiled. */
function behind(framework: Framework, file: string, packageNames: readonly string[]): ServerCandidate {
  return { name: packageNames.join(' + '), framework, packageNames, isProtected: true, ...programOf(framework, file) };
}

/** The same server with its cache of verified tokens, which is off by default. */
function withItsCache(candidate: ServerCandidate): ServerCandidate {
  return { ...candidate, name: `${candidate.name}, its cache on`, programArguments: ['cache'] };
}

/** The smallest app behind our guard: like the floor it has one route, so the difference is the guard's. */
function smallest(framework: 'express' | 'fastify' | 'koa'): ServerCandidate {
  return {
    name: `@tokenward/${framework} (the smallest app)`,
    framework,
    packageNames: [`@tokenward/${framework}`],
    isProtected: true,
    program: new URL(`smallest/${framework}.ts`, import.meta.url),
  };
}

function example(framework: Framework, program: string): ServerCandidate {
  return {
    name: `@tokenward/${framework} (the example)`,
    framework,
    packageNames: [`@tokenward/${framework}`],
    isProtected: true,
    program: new URL(program),
  };
}

/** Servers on NestJS get their platform as an argument. */
function programOf(framework: Framework, file: string): Pick<ServerCandidate, 'program' | 'programArguments'> {
  if (framework === 'nestjs') return { program: new URL(`nestjs/${file}.ts`, import.meta.url), programArguments: ['express'] };
  if (framework === 'nestjs-fastify') return { program: new URL(`nestjs/${file}.ts`, import.meta.url), programArguments: ['fastify'] };
  return { program: new URL(`${framework}/${file}.ts`, import.meta.url) };
}
