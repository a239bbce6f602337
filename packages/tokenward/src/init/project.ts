import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { CannotRunError, UsageError } from '../errors.js';
import { FRAMEWORKS, type Framework } from './frameworks.js';

const MAX_BYTES = 1_048_576;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface Manifest {
  readonly type?: unknown;
  readonly main?: unknown;
  readonly scripts?: unknown;
  readonly dependencies?: unknown;
  readonly devDependencies?: unknown;
}

/** A file of the project, as it was read. */
export interface ProjectFile {
  /** Relative to the project. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a file inside the project.
 *
 * @returns undefined if there is none
 * @throws UsageError if a part of its path is a symbolic link, or leads out of the folder
 */
export async function readInside(folder: string, name: string): Promise<ProjectFile | undefined> {
  const path = await insideOf(folder, name);
  const found = path && (await statOf(path));
  if (!path || !found) return undefined;
  if (!found.isFile()) return undefined;
  if (found.size > MAX_BYTES) throw new UsageError(`${name} is larger than 1 MiB`);
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    return { name: relative(folder, path).split(sep).join('/'), text: UTF_8.decode(await file.readFile()) };
  } catch (error) {
    // other bytes would be lost when it is written
    throw error instanceof TypeError ? new UsageError(`${name} is not UTF-8`) : error;
  } finally {
    await file.close();
  }
}

/** Replaces a file. A reader sees the old content or the new one, and the mode stays. */
export async function replaceInside(folder: string, { name, text }: ProjectFile, content: string): Promise<void> {
  const path = await insideOf(folder, name);
  const current = await readInside(folder, name);
  if (!path || current?.text !== text) throw new CannotRunError(`${name} has changed meanwhile. Nothing was written: run the command again`);
  const { mode } = (await statOf(path))!;
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx', mode & 0o777);
    try {
      await file.writeFile(content);
      // the umask does not count for a file that exists already
      await file.chmod(mode & 0o777);
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CannotRunError(`${name} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}

/** Returns the path of a file whose folders are all inside the project, and no symbolic links. */
async function insideOf(folder: string, name: string): Promise<string | undefined> {
  const root = await realpath(folder);
  const path = resolve(root, name);
  const inside = relative(root, path);
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) throw new UsageError('the file must be inside the folder of the project');
  let at = root;
  for (const part of inside.split(sep)) {
    if (part === 'node_modules') throw new UsageError('the file must be one of the project, and not in node_modules');
    at = join(at, part);
    const found = await statOf(at);
    if (!found) return undefined;
    if (found.isSymbolicLink()) throw new UsageError(`${relative(root, at)} is a symbolic link, which this command does not follow`);
  }
  return path;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch {
    return undefined;
  }
}

/** @throws UsageError if there is no package.json that can be read */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = await readInside(folder, 'package.json');
  if (!file) throw new UsageError('there is no package.json here. Run the command in the folder of your app');
  try {
    const manifest: unknown = JSON.parse(file.text);
    if (typeof manifest === 'object' && manifest !== null) return manifest;
  } catch {
    // its text is not repeated
  }
  throw new UsageError('package.json is not a JSON object');
}

/** Returns the framework that the app uses. */
export function frameworkOf(manifest: Manifest, wanted: string | undefined): Framework {
  if (wanted !== undefined) return FRAMEWORKS.find(({ name }) => name === wanted)!;
  const dependencies = { ...objectIn(manifest.dependencies), ...objectIn(manifest.devDependencies) };
  const found = FRAMEWORKS.filter(({ dependency }) => Object.hasOwn(dependencies, dependency));
  const [first] = found;
  if (!first)
    throw new UsageError(
      'package.json has none of express, fastify, koa, hono and @nestjs/core. For other frameworks, see https://tokenward.github.io/tokenward/start/',
    );
  if (found.length > 1 && first.name !== 'nestjs') {
    throw new UsageError(`package.json has ${found.map(({ dependency }) => dependency).join(' and ')}. Say which one to guard: --framework ${first.name}`);
  }
  return first;
}

const NAMES = ['server', 'app', 'main', 'index'] as const;
const EXTENSIONS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'] as const;

/** Returns the names of files that may create the app, the most likely first. */
export function candidates({ name }: Framework, manifest: Manifest): readonly string[] {
  if (name === 'nestjs') return EXTENSIONS.map((extension) => `src/app.module.${extension}`);
  const started = Object.values(objectIn(manifest.scripts)).flatMap((script) =>
    typeof script === 'string' ? [...script.matchAll(SCRIPT_FILE)].map(([, file]) => file!) : [],
  );
  const named = [...started, ...(typeof manifest.main === 'string' ? [manifest.main] : [])].map((file) => file.replace(/^\.\//, ''));
  // what is built is not what people edit, and a line break in a name could forge a line of the change that is shown
  const own = named.filter((file) => !/^(?:dist|build|out|node_modules)\/|\p{Cc}/u.test(file) && !file.startsWith('/') && !file.split('/').includes('..'));
  const usual = ['src/', ''].flatMap((folder) => NAMES.flatMap((base) => EXTENSIONS.map((extension) => `${folder}${base}.${extension}`)));
  return [...new Set([...own, ...usual])];
}

const SCRIPT_FILE = /(?:^|\s)([\w./-]{1,200}\.[cm]?[jt]s)(?=\s|$)/g;

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
