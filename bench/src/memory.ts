import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface MemoryPlan {
  /** So many tokens are put into a cache, so many issuers made, for each row. */
  readonly tokens: number;
  readonly issuers: number;
}

/** What one takes, garbage cleared away. */
export interface MemoryRow {
  /** In V8's heap, and what that heap knows to hang on it. */
  readonly heapBytes: number;
  /** Of the process, with OpenSSL's own memory, where keys are. */
  readonly residentBytes: number | undefined;
  /** What the guard counts it as. */
  readonly estimatedBytes: number | undefined;
}

export interface MemoryResult extends MemoryRow {
  readonly name: string;
}

const TOKEN_CHARACTERS = [500, 1000, 2000, 4000];
const KEYS = [1, 3, 10];
const PROGRAM = fileURLToPath(new URL('memory/program.ts', import.meta.url));
const TIMEOUT_SECONDS = 120;

/** What tokens in the cache and issuers with their keys take, each row measured by a process of its own. */
export async function measureMemory(plan: MemoryPlan): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (const characters of TOKEN_CHARACTERS) results.push({ name: `a token of ${characters} bytes`, ...(await run('tokens', characters, plan.tokens)) });
  for (const keys of KEYS) results.push({ name: `an issuer with ${keys} RSA key${keys > 1 ? 's' : ''}`, ...(await run('issuers', keys, plan.issuers)) });
  return results;
}

async function run(...args: readonly [what: string, size: number, count: number]): Promise<MemoryRow> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROGRAM, ...args.map(String)], { timeout: TIMEOUT_SECONDS * 1000 });
  return JSON.parse(stdout) as MemoryRow;
}
