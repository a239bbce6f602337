import { createBackoff } from './backoff.js';
import { createLinkOutage } from './link-outage.js';
import { within, type Connect, type Connection, type Reply } from './connection.js';
import { failureText, StoreFailure } from './store-failure.js';

/** The way to a server, over one connection at a time. It connects at once, and again after each failure. */
export interface Link {
  /**
   * Sends a command. If no connection can be made, or an earlier command got no answer in time, it fails at once until a new connection is made.
   *
   * @param kind what kind of command it is: a server may refuse one kind and take the others
   * @param isPatient waits for a new connection that is being made, whatever happened to earlier commands: a lease is given back with it
   * @throws StoreFailure
   */
  send(kind: string, command: readonly string[], isPatient?: boolean): Promise<Reply>;
  /** Why the last command or the last attempt to connect failed, in fixed words; undefined if it succeeded. */
  readonly lastError: string | undefined;
  /** Whether the server has answered, and the last command succeeded. */
  readonly isUsable: boolean;
  readonly isClosed: boolean;
  close(): void;
}

export interface LinkParts {
  readonly connect: Connect;
  /** A command that shows that a new connection is usable, and its kind. */
  readonly probe: { readonly kind: string; readonly command: readonly string[] };
  /** The address of the server, for messages. */
  readonly where: string;
  /** What the server keeps: `sessions`. */
  readonly what: string;
  /** What happens while the server cannot be used, for messages. Default: requests get 503. */
  readonly meanwhile?: string | undefined;
  /** The limit for one command, including connecting. */
  readonly timeoutMs: number;
  /** After this time without a command the connection is tried. Default: 30 s. */
  readonly idleMs?: number | undefined;
}

/** One call of `send`. */
interface Caller {
  connection: Connection | undefined;
  hasGivenUp: boolean;
  readonly isPatient: boolean;
}

/** Commands that wait for an answer. A server that hangs must not fill the memory. */
const MAX_WAITING = 10_000;
/** An unused connection is tried, so that an outage is known without a request, and no network drops the connection silently. */
const IDLE_MS = 30_000;

export function openLink({ connect, probe, where, what, meanwhile, timeoutMs, idleMs = IDLE_MS }: LinkParts): Link {
  const abort = new AbortController();
  const backoff = createBackoff(abort.signal);
  const refusalBackoff = createBackoff(abort.signal);
  const outage = createLinkOutage(where, what, meanwhile);
  let connection: Connection | undefined;
  /** The attempt to connect that goes on. It never rejects. */
  let connecting: Promise<void> | undefined;
  /** Why commands fail at once: no connection can be made, or a server that did not answer in time was left. While it is set, attempts go on in the background. */
  let unreachable: StoreFailure | undefined;
  /** Which kind of command was last refused by a server that may be the wrong one. */
  let refusedKind: string | undefined;
  /** The connection to that server, until it is left. */
  let refusing: Connection | undefined;
  /** The connection that was left for another one, until that one is made. It still answers other commands. */
  let left: Connection | undefined;
  /** Whether such a server was left so short a time ago that a new connection would most likely lead to it again. */
  let isPausing = false;
  let hasAnswered = false;
  let waiting = 0;
  let idleTimer: NodeJS.Timeout | undefined;

  function reconnect(): Promise<void> {
    connecting ??= attempt().then(() => {
      connecting = undefined;
      if (unreachable && !abort.signal.aborted) void backoff.pause().then(() => (abort.signal.aborted ? undefined : reconnect()));
    });
    return connecting;
  }

  async function attempt(): Promise<void> {
    let made: Connection | undefined;
    try {
      made = await connect();
      await made.send(probe.command);
      if (abort.signal.aborted) return made.close();
      if (made.isOver) throw new StoreFailure('the connection was closed');
      connection = made;
      const one = made;
      one.onOver(() => giveUp(one));
      closeLater(left);
      left = undefined;
      unreachable = undefined;
      backoff.reset();
      hasAnswered = true;
      outage.answered(probe.kind);
      tryWhenIdle();
    } catch (error) {
      made?.close();
      if (left && !left.isOver) {
        // looked for again after the pause, so that the end of the outage is known without a request
        connection = refusing = left;
        left = unreachable = undefined;
        return;
      }
      left = undefined;
      unreachable = failureOf(error);
      if (!abort.signal.aborted) outage.unreachable(unreachable.message);
    }
  }

  function tryWhenIdle(): void {
    clearTimeout(idleTimer);
    // a failure is known to `health()`, and ends the connection
    idleTimer = setTimeout(() => void send(probe.kind, probe.command).catch(() => {}), idleMs);
    idleTimer.unref();
  }

  /** Commands that were sent over the connection still get their answers. */
  function closeLater(one: Connection | undefined): void {
    if (one) setTimeout(() => one.close(), timeoutMs).unref();
  }

  /**
   * Gives up a connection that has ended, or whose server did not answer.
   *
   * @param failure of a server that did not answer: the next connection may hang as well, so commands do not wait for it
   */
  function giveUp(one: Connection, failure?: StoreFailure): void {
    one.close();
    // a command may time out long after its connection was given up
    if (connection !== one) return;
    connection = undefined;
    unreachable = failure;
    // at once, so that the end of the outage is known without a request
    if (!abort.signal.aborted) void reconnect();
  }

  /**
   * Leaves the server that refused a command, but not at each refusal: a master with too few replicas refuses all writes, and answers reads. If no other connection
   * can be made, the old one stays in use.
   */
  function leaveRefusing(): void {
    if (isPausing || !refusing) return;
    const one = refusing;
    refusing = undefined;
    // the answer came over a connection that was left before
    if (connection !== one) return;
    isPausing = true;
    [left, connection] = [one, undefined];
    void reconnect()
      .then(() => refusalBackoff.pause())
      .then(() => {
        isPausing = false;
        leaveRefusing();
      });
  }

  async function connected(isPatient: boolean): Promise<Connection> {
    if (connection?.isOver) giveUp(connection);
    if (connection) return connection;
    if (unreachable && !(isPatient && connecting)) throw unreachable;
    await reconnect();
    if (connection) return connection;
    throw unreachable ?? new StoreFailure(CLOSED);
  }

  /** Sends nothing if the caller has given up meanwhile: nobody would release a lease that it takes late. */
  async function exchange(command: readonly string[], caller: Caller): Promise<Reply> {
    const one = await connected(caller.isPatient);
    if (caller.hasGivenUp) throw new StoreFailure('the caller has given up');
    caller.connection = one;
    try {
      return await one.send(command);
    } catch (error) {
      const failure = failureOf(error);
      // the caller's own limit says nothing about the server: it may have waited for the connection
      if (failure.isOfWrongServer && !failure.isAnswer) giveUp(one, one.isOver ? undefined : failure);
      throw error;
    }
  }

  async function send(kind: string, command: readonly string[], isPatient = false): Promise<Reply> {
    if (abort.signal.aborted) throw new StoreFailure(CLOSED);
    if (waiting >= MAX_WAITING) {
      outage.crowded(waiting);
      throw new StoreFailure('too many commands wait for an answer');
    }
    waiting++;
    const caller: Caller = { connection: undefined, hasGivenUp: false, isPatient };
    try {
      const reply = await within(timeoutMs, exchange(command, caller), true);
      hasAnswered = true;
      outage.answered(kind);
      if (kind === refusedKind) {
        refusedKind = refusing = undefined;
        refusalBackoff.reset();
      }
      tryWhenIdle();
      return reply;
    } catch (error) {
      const failure = abort.signal.aborted ? new StoreFailure(CLOSED) : failureOf(error);
      if (failure.isAnswer) outage.refused(kind, failure.message);
      else if (!abort.signal.aborted) {
        outage.unreachable(failure.message);
        // the next commands do not wait for the same attempt, unless the server that was left may answer them after it
        if (!caller.connection && connecting && !left) unreachable ??= failure;
      }
      if (failure.isAnswer && failure.isOfWrongServer) {
        refusedKind = kind;
        refusing = caller.connection;
        leaveRefusing();
      }
      throw failure;
    } finally {
      caller.hasGivenUp = true;
      waiting--;
      if (waiting === MAX_WAITING / 2) outage.relieved();
    }
  }

  void reconnect();
  return {
    send,
    get lastError() {
      return outage.lastError;
    },
    get isUsable() {
      return hasAnswered && outage.lastError === undefined;
    },
    get isClosed() {
      return abort.signal.aborted;
    },
    close() {
      abort.abort();
      clearTimeout(idleTimer);
      connection?.close();
      left?.close();
      connection = left = undefined;
      outage.close();
    },
  };
}

const CLOSED = 'the store was closed';

function failureOf(error: unknown): StoreFailure {
  return error instanceof StoreFailure ? error : new StoreFailure(failureText(error));
}
