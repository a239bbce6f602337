/**
 * Whether the function that asks was called from a file of that name. It costs a short stack, so it is for rare paths only. Where the caller cannot be
 * told, as in a bundle, it says no.
 *
 * @param frames is looked for in the line of the stack that names the caller
 */
export function isCalledBy(frames: RegExp): boolean {
  const { stackTraceLimit } = Error;
  const held: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 2;
    Error.captureStackTrace(held, isCalledBy);
    const { stack } = held;
    return typeof stack === 'string' && frames.test(stack.split('\n').at(-1) ?? '');
  } catch {
    // somebody else writes the stack, or has frozen Error
    return false;
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}

/** How a framework is known on the stack. Each expression is tried on a frame that is written as `file function`. */
export interface Framework {
  /** What calls middleware. */
  readonly runner: RegExp;
  /** All of the framework's own files that a request goes through. */
  readonly own: RegExp;
  /** Of these, the functions by which anybody can start a chain of middleware. */
  readonly starter: RegExp;
  /** Of these, the ones that a server calls. */
  readonly app: RegExp;
  /** Whether its starters wait for what they started, and so go on with nothing below them on the stack. */
  readonly waits: boolean;
}

/** Who runs a guard: the framework, a chain of middleware that the user's own code started by hand, or whoever called the guard. */
export type Runner = 'framework' | 'chain' | 'caller';

/**
 * Tells who runs a guard that is running. A chain that was started by hand is run by the same files as the framework's own, so the whole stack is read:
 * it costs some microseconds, and is for refusals and late decisions only. Of a chain that waited for something before it came to the guard the stack
 * no longer knows who started it.
 */
export function runnerOf(guard: object, { runner, own, starter, app, waits }: Framework): Runner {
  const stack = framesBelow(guard);
  if (stack[0] === undefined || !runner.test(stack[0])) return 'caller';
  for (const [at, frame] of stack.entries()) {
    if (!own.test(frame) || !starter.test(frame)) continue;
    const below = stack[at + 1];
    if (below === undefined) {
      if (waits || app.test(frame)) continue;
      // a timer called it: a server calls the app
      return 'caller';
    }
    if (own.test(below)) continue;
    if (app.test(frame) && !stack.slice(at + 1).some((one) => own.test(one))) continue;
    return IN_PACKAGE.test(below) ? 'caller' : 'chain';
  }
  return 'framework';
}

/** Whether a function of that name waits for one that is running. Each frame is written as `file function`. */
export function isRunBy(frames: RegExp, running: object): boolean {
  return framesBelow(running).some((frame) => frames.test(frame));
}

const IN_PACKAGE = /[\\/]node_modules[\\/]/;

/** Node's own files, and what traces a call on its way. */
const TRANSPARENT = /^node:|[\\/]node_modules[\\/]@opentelemetry[\\/]/;

/** Deeper than hundreds of layers of middleware, each of which is some frames. */
const MOST_FRAMES = 2000;

/** The functions that wait for one that is running, its caller first, each as `file function`. Where they cannot be told it is none. */
function framesBelow(running: object): readonly string[] {
  const before = { stackTraceLimit: Error.stackTraceLimit, prepareStackTrace: Error.prepareStackTrace };
  const held: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = MOST_FRAMES;
    // by the names themselves: others may write the text of a stack in another way, and by a source map
    Error.prepareStackTrace = (_error, sites) => linesOf(sites);
    Error.captureStackTrace(held, running as () => void);
    return Array.isArray(held.stack) ? (held.stack as string[]) : [];
  } catch {
    return [];
  } finally {
    for (const [name, value] of Object.entries(before)) Reflect.set(Error, name, value);
  }
}

/** What stands behind a function that waited is who waits for it, not who called it. A stack that was cut off does not show who started it. */
function linesOf(sites: readonly NodeJS.CallSite[]): readonly string[] {
  const waiting = sites.findIndex((site) => site.isAsync());
  if (waiting === -1 && sites.length >= MOST_FRAMES) return [];
  return sites
    .slice(0, waiting === -1 ? undefined : waiting)
    .map((site) => `${site.getFileName() ?? ''} ${site.getFunctionName() ?? ''}`)
    .filter((line) => !TRANSPARENT.test(line));
}
