/**
 * Returns whether a function that is running was called by a frame that matches. It reads one frame of the stack, so it is cheap enough for refusals.
 * Where the caller is unknown, as in a bundle, it returns false.
 *
 * @param running the function whose caller counts
 * @param caller is tried on the frame, written as `file function`
 */
export function isCalledBy(running: object, caller: RegExp): boolean {
  return framesBelow(running, 1).some((frame) => caller.test(frame));
}

/** How to recognise a framework on the stack. Each expression is tried on a frame, written as `file function`. */
export interface Framework {
  /** Calls middleware. */
  readonly runner: RegExp;
  /** All files of the framework that a request passes through. */
  readonly own: RegExp;
  /** The functions of these files with which anybody can start a chain of middleware. */
  readonly starter: RegExp;
  /** The functions of these files that a server calls. */
  readonly app: RegExp;
  /** Whether a starter waits for the chain it started, so that the stack may end there. */
  readonly waits: boolean;
}

/** Who runs a guard: the framework, a chain of middleware that the user's own code started, or a direct caller. */
export type Runner = 'framework' | 'chain' | 'caller';

/**
 * Returns who runs a guard that is running. The same files run the framework's chain and one that the app's own code started, so this reads the whole stack.
 * That costs some microseconds, so it is for refusals and late decisions only. If a chain waited for something before it reached the guard, the stack
 * no longer shows who started it.
 */
export function runnerOf(guard: object, { runner, own, starter, app, waits }: Framework): Runner {
  const stack = framesBelow(guard);
  if (stack[0] === undefined || !runner.test(stack[0])) return 'caller';
  for (const [at, frame] of stack.entries()) {
    if (!own.test(frame) || !starter.test(frame)) continue;
    const below = stack[at + 1];
    if (below === undefined) {
      if (waits || app.test(frame)) continue;
      // a timer called the starter: a server would call the app
      return 'caller';
    }
    if (own.test(below)) continue;
    if (app.test(frame) && !stack.slice(at + 1).some((one) => own.test(one))) continue;
    return IN_PACKAGE.test(below) ? 'caller' : 'chain';
  }
  return 'framework';
}

const IN_PACKAGE = /[\\/]node_modules[\\/]/;

/** Node's own files, and tracing, which wraps calls. */
const TRANSPARENT = /^node:|[\\/]node_modules[\\/]@opentelemetry[\\/]/;

/** Deeper than hundreds of layers of middleware, which take some frames each. */
const MOST_FRAMES = 2000;

/**
 * Returns the frames that wait for a function that is running, its caller first. A frame is written as `file function`; for a function without a name,
 * as `file Type.` of its receiver. Returns an empty list if the stack cannot be read: other code may write stacks, or have frozen `Error`.
 */
function framesBelow(running: object, most = MOST_FRAMES): readonly string[] {
  const before = { stackTraceLimit: Error.stackTraceLimit, prepareStackTrace: Error.prepareStackTrace };
  const target: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = most;
    // from the call sites: other code may write the text of a stack in its own way, or through source maps
    Error.prepareStackTrace = (_error, sites) => linesOf(sites);
    Error.captureStackTrace(target, running as () => void);
    return Array.isArray(target.stack) ? (target.stack as string[]) : [];
  } catch {
    return [];
  } finally {
    for (const [name, value] of Object.entries(before)) Reflect.set(Error, name, value);
  }
}

/** An async frame shows who awaits a function, not who called it. A stack that was cut off does not show who started it. */
function linesOf(sites: readonly NodeJS.CallSite[]): readonly string[] {
  const waiting = sites.findIndex((site) => site.isAsync());
  if (waiting === -1 && sites.length >= MOST_FRAMES) return [];
  return sites
    .slice(0, waiting === -1 ? undefined : waiting)
    .map((site) => `${site.getFileName() ?? ''} ${site.getFunctionName() ?? `${site.getTypeName() ?? ''}.`}`)
    .filter((line) => !TRANSPARENT.test(line));
}
