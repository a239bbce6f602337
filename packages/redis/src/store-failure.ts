import { isError } from '@tokenward/core/store';

/** What is wrong with the store, in fixed words: a client's own message may quote anything. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';

  /**
   * @param isAnswer the server sent the error, so the connection still works
   * @param code the server's code: `OOM`
   */
  constructor(
    message: string,
    readonly isAnswer = false,
    readonly code?: string,
  ) {
    super(message);
  }

  /**
   * Whether another server may be the right one: this one did not answer, or is not the master. Other refusals, such as `OOM` or `NOPERM`, would be the same
   * over a new connection, and say nothing about whoever named the server.
   */
  get isOfWrongServer(): boolean {
    return !this.isAnswer || OF_ANOTHER_SERVER.has(this.code ?? '');
  }
}

/** Answers of a server that is no longer the right one, or not yet. */
const OF_ANOTHER_SERVER: ReadonlySet<string> = new Set([
  'READONLY',
  'MOVED',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'NOREPLICAS',
  'LOADING',
  'NOAUTH',
  'WRONGPASS',
  'UNBLOCKED',
]);

const TEXTS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the connection was refused'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was reset'],
  ['ENOTFOUND', 'the host name is unknown'],
  ['EAI_AGAIN', 'the host name cannot be looked up'],
  ['WRONGPASS', 'the user name or the password is wrong'],
  ['NOAUTH', 'a password is required'],
  ['NOPERM', 'the user lacks a permission: see the ACL in the README of @tokenward/redis'],
  ['LOADING', 'Redis is still loading its data'],
  ['READONLY', 'the server is a replica, which accepts no writes'],
  ['OOM', 'Redis has no memory left for writes'],
  ['MISCONF', 'Redis accepts no writes, because it cannot save them'],
  ['WRONGTYPE', 'a key under the prefix has another type. Set a prefix that nothing else uses'],
  ['NOREPLICAS', 'Redis accepts no writes, because too few replicas follow it (min-replicas-to-write)'],
  ['MASTERDOWN', 'the server is a replica that has lost its master'],
  ['MOVED', 'another node of the cluster has the keys. Pass a client from createCluster()'],
  ['CLUSTERDOWN', 'the cluster is down'],
  ['BUSY', 'Redis is busy with a script'],
  ['UNBLOCKED', 'the server has become a replica'],
]);

/** Errors whose code says nothing. Those inside a script have none of their own. */
const ERR_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^ERR (ACL failure in script|The user executing the script can't)/, TEXTS.get('NOPERM')!],
  [/^ERR unknown (redis )?command/i, 'the server lacks a command. Use Redis 7 or newer'],
];

/** Returns the fixed text for an error, or its code. It never returns the error's own text. */
export function failureText(error: unknown): string {
  if (error instanceof StoreFailure) return error.message;
  if (!isError(error)) return 'the connection broke';
  const known = ERR_TEXTS.find(([pattern]) => pattern.test(error.message));
  if (known) return known[1];
  const code = codeOf(error);
  if (code === undefined) return 'the connection broke';
  return TEXTS.get(code) ?? (isAnswer(error) ? `the server refused a command (${code})` : `the connection failed (${code})`);
}

/** Whether the server sent an error: its text begins with a code. Not all versions of the package redis export a class for it. */
export function isAnswer(error: unknown): boolean {
  return isError(error) && !('code' in error) && /^[A-Z]{2,20} /.test(error.message);
}

/** Returns the code of an error, which an error of the server has at the beginning of its text. */
export function codeOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const code = (error as NodeJS.ErrnoException).code ?? /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0];
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : undefined;
}
