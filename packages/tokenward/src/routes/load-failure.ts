import { parse } from 'node:path';
import { isError } from '@tokenward/core/store';

export const IF_IT_CONNECTS = 'If it connects to something when it is imported, export a function that creates the app, and name it with --export';

/**
 * Returns what to do about an error with which an app could not be loaded. The error itself is shown above.
 *
 * @param file as the command line names it
 */
export function loadFailure(file: string, error: unknown): string {
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown };
  const built = `build the app, and pass the built file, such as dist/${parse(file).name}.js`;
  if (NEEDS_BUILD.has(code) || isUnparsable(error)) {
    return `Node cannot run ${file}, or a file that it imports: the error is above. Node removes types, and does not compile: for decorators, enums or JSX, ${built}. Or give Node a loader: NODE_OPTIONS="--import LOADER" npx tokenward routes`;
  }
  if (MISSING.has(code)) {
    return PACKAGE.test(String(message))
      ? `${file}, or a file that it imports, needs a package that is not installed: its name is above. Install the dependencies of the app`
      : `${file}, or a file that it imports, imports a file that does not exist: its name is above. Node needs the whole name, with its extension. If the app is compiled, ${built}`;
  }
  return `${file} could not be loaded: the app throws the error above. Set what it needs to start, such as variables. ${IF_IT_CONNECTS}`;
}

const NEEDS_BUILD: ReadonlySet<unknown> = new Set([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNKNOWN_FILE_EXTENSION',
]);
const MISSING: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT']);

/** Not a path, neither one of Windows. */
const PACKAGE = /^Cannot find (?:package|module '(?![./\\]|[a-z]:))/i;

/** Whether Node itself could not read the source. The app may throw a SyntaxError as well, for JSON that it parses: Node then calls the app's code. */
function isUnparsable(error: unknown): boolean {
  if (!isError(error) || error.name !== 'SyntaxError') return false;
  const first = error.stack?.split('\n').find((line) => /^\s+at /.test(line));
  return first?.includes('node:internal/') === true;
}
