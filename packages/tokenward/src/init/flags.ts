import type { OptionSpecs } from '../command.js';

/** The options of `tokenward init`. */
export const INIT_FLAGS = {
  yes: { type: 'boolean', short: 'y', summary: 'Write without asking' },
  framework: { type: 'string', value: 'NAME', summary: 'The framework, if package.json has several', choices: ['express', 'fastify', 'hono', 'koa', 'nestjs'] },
  file: { type: 'string', value: 'FILE', summary: 'The file that creates the app (Nest: the root module)' },
  issuer: { type: 'string', value: 'URL', summary: 'Write this issuer into the options. Default: the app reads ISSUER_BASE_URL' },
  audience: { type: 'string', value: 'NAME', summary: 'Write this audience into the options. Default: the app reads AUDIENCE' },
} as const satisfies OptionSpecs;
