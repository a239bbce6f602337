import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface MemoryPlan {
  /** Per row: this many tokens are cached, or this many issuers created. */
  readonly tokens: number;
  readonly issuers: number;
}

/** What one token or issuer takes, after garbage collection. */
export interface MemoryRow {
  /** In V8's heap, with the external memory that V8 counts. */
  readonly heapBytes: number;
  /** In the whole process, with OpenSSL's own memory, which holds the keys. */
  readonly residentBytes: number | undefined;
  /** What the guard counts for it. */
  readonly estimatedBytes: number | undefined;
}

export interface MemoryResult extends MemoryRow {
  readonly name: string;
}

const TOKEN_CHARACTERS = [500, 1000, 2000, 4000];
const KEYS = [1, 3, 10];
const PROGRAM = fileURLToPath(new URL('memory/program.ts', import.meta.url));
const TIMEOUT_SECONDS = 120;

/** Measures what cached tokens, and issuers with their keys, take. Each row runs in its own process. */
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
