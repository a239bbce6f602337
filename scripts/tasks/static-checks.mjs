import { globSync } from 'node:fs';

const TYPESCRIPT_PROJECTS = [
  'tsconfig.json',
  '{packages,examples}/*/tsconfig.json',
  'packages/*/test/declared/tsconfig.json',
  'bench/tsconfig.json',
  'bench/src/http/servers/express/tsconfig.json',
];

/** The commands that check the format and the lint rules of all files. Some rules look at types, so the packages must be built. */
export const LINT = [
  ['oxfmt', '--check'],
  ['oxlint', '--deny-warnings'],
];

/** The commands that check the types of every TypeScript project. Projects see each other's built types, so the packages must be built. */
export const TYPECHECK = globSync(TYPESCRIPT_PROJECTS).map((project) => ['tsc', '--noEmit', '-p', project]);
