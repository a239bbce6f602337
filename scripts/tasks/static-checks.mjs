import { globSync } from 'node:fs';
import { run } from './steps.mjs';

const TYPESCRIPT_PROJECTS = [
  'tsconfig.json',
  '{packages,examples}/*/tsconfig.json',
  'packages/*/test/declared/tsconfig.json',
  'bench/tsconfig.json',
  'bench/src/http/servers/express/tsconfig.json',
];

/** Checks the format and the lint rules of all files. Some rules look at types, so the packages must be built. */
export function lint() {
  run('oxfmt', ['--check']);
  run('oxlint', ['--deny-warnings']);
}

/** Checks the types of every TypeScript project. Projects see each other's built types, so the packages must be built. */
export function typecheck() {
  for (const project of globSync(TYPESCRIPT_PROJECTS)) run('tsc', ['--noEmit', '-p', project]);
}
