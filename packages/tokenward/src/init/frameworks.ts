/** What `init` knows about a framework. */
export interface Framework {
  readonly name: FrameworkName;
  /** Its package in package.json. */
  readonly dependency: string;
  /** The package that guards it. */
  readonly guard: string;
  /** What is imported from it. */
  readonly imported: string;
  /** Returns the lines that guard the whole app. */
  readonly lines: (writing: Writing) => readonly string[];
  /** What to know about the lines, after they are written. */
  readonly hints: readonly string[];
}

export type FrameworkName = 'express' | 'fastify' | 'hono' | 'koa' | 'nestjs';

export interface Writing {
  /** The name of the app's variable. */
  readonly app: string;
  /** The options as source text, with braces; empty if the guard reads the environment. */
  readonly options: string;
  /** Whether `await` may stand at this place. */
  readonly canAwait: boolean;
  readonly semicolon: string;
}

const PUBLIC = 'Routes that must stay public, such as health checks, go above the guard.';

export const FRAMEWORKS: readonly Framework[] = [
  {
    // first, since a Nest app depends on Express or Fastify, too
    name: 'nestjs',
    dependency: '@nestjs/core',
    guard: '@tokenward/nestjs',
    imported: 'TokenwardModule',
    lines: ({ options }) => [`TokenwardModule.forRoot(${options})`],
    hints: ['Every handler now needs a token. Mark public ones with @Public(), and add @Scopes(...) where a handler needs more.'],
  },
  {
    name: 'fastify',
    dependency: 'fastify',
    guard: '@tokenward/fastify',
    imported: 'tokenward',
    lines: ({ app, options, canAwait, semicolon }) => [
      `${canAwait ? 'await ' : ''}${app}.register(tokenward, { ${options === '' ? '' : `${options.slice(2, -2)}, `}protect: 'all' })${semicolon}`,
    ],
    hints: ["Every route now needs a token. Give public ones { config: { tokenward: 'public' } }."],
  },
  {
    name: 'koa',
    dependency: 'koa',
    guard: '@tokenward/koa',
    imported: 'createGuard',
    lines: guardLines,
    hints: [PUBLIC],
  },
  {
    name: 'hono',
    dependency: 'hono',
    guard: '@tokenward/hono',
    imported: 'createGuard',
    lines: guardLines,
    hints: [PUBLIC],
  },
  {
    name: 'express',
    dependency: 'express',
    guard: '@tokenward/express',
    imported: 'createGuard',
    lines: guardLines,
    hints: [PUBLIC],
  },
];

function guardLines({ app, options, semicolon }: Writing): readonly string[] {
  return [`const guard = createGuard(${options})${semicolon}`, `${app}.use(guard())${semicolon}`];
}
