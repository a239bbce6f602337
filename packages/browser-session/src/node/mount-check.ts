import { misuse, printable } from '@tokenward/core/store';

/**
 * Checks a call of `routes()`. With `app.use(session.routes)` the framework would call it as middleware, and wait for an answer for ever.
 *
 * @throws ConfigurationError
 */
export function requireNoArguments(given: readonly unknown[], remedy: string): void {
  if (given.length > 0) throw misuse('session.routes', `was passed on without a call. Write ${remedy}`);
}

/** Returns a function that warns, once, if the routes are mounted under a path where no request is for them. */
export function createMountWarning(path: string): (mountPath: string | undefined) => void {
  let isPrinted = false;
  return (mountPath = '') => {
    const mounted = mountPath.replace(/\/+$/, '').toLowerCase();
    if (isPrinted || mounted === '' || `${path}/`.toLowerCase().startsWith(`${mounted}/`)) return;
    isPrinted = true;
    const at = printable(mounted);
    process.emitWarning(
      `tokenward: session.routes() is mounted at ${at}, where no request for ${path} arrives. Mount it without a path, or set the option path to ${at}${path}`,
      { code: 'TOKENWARD_SESSION' },
    );
  };
}
