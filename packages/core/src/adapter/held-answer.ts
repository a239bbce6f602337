import type { ServerResponse } from 'node:http';
import { isAnswered } from '../node/node-http.js';
import { closeGate } from './response-gate.js';
import { answerAlone } from './settle.js';

/** The result of a guard that the app's own code called. */
export interface HeldResult<T> {
  /** Rejects, or never settles, if the request is refused. */
  readonly result: Promise<T>;
  /** Says whether the request is admitted, before anything behind the guard runs. A result that rejects says that it is not. */
  readonly admitted: Promise<boolean>;
  /** Answers with the refusal. */
  refuse(response: ServerResponse): void | Promise<void>;
}

/**
 * Holds back what other code answers until the decision is known and the caller of the guard waits for the result. A caller that forgot `await` never waits. If
 * the request is then refused, this function sends the refusal and drops the caller's answer.
 *
 * @returns the result, for the caller. A caller waits by calling its `then` with the functions that settle another promise, as `await` and `Promise.all` do.
 *   `catch`, `finally` and a `then` with the caller's own functions only return another promise, and the caller must wait for that one. A caller that waits in
 *   another way, such as with `from` of RxJS, counts as one that does not wait: it gets the same refusal.
 */
export function holdAnswer<T>({ result, admitted, refuse }: HeldResult<T>, response: ServerResponse): Promise<T> {
  const gate = closeGate(response);
  let refused = false;
  let isAwaited = false;
  let isOver = false;

  function open(): void {
    if (!isOver) gate.open();
    isOver = true;
  }

  function answerCareless(): void {
    if (isOver) return;
    isOver = true;
    answerAlone(gate, (pass) => (isAnswered(response) ? undefined : refuse(pass))).catch(() => response.destroy());
  }

  /** A caller that waits has not answered yet. */
  function openToWaiting(): void {
    if (refused && isAwaited && !gate.isUsed()) open();
  }

  function noteRefusal(): void {
    refused = true;
    openToWaiting();
    setImmediate(answerCareless);
  }

  function watch(promise: Promise<T>): Promise<T> {
    function then(...handlers: Parameters<Promise<T>['then']>): Promise<unknown> {
      const next = Promise.prototype.then.apply(promise, handlers) as Promise<T>;
      // functions of the caller may log the outcome only
      if (handlers.length < 2 || !handlers.every(settlesPromise)) return watch(next);
      isAwaited = true;
      openToWaiting();
      return next;
    }

    function atLast(run?: (() => void) | null): Promise<T> {
      // of its own, since `finally` calls `then` with two functions
      const same = new Promise<T>((resolve, reject) => void Promise.prototype.then.call(promise, resolve as (value: unknown) => void, reject));
      return watch(same.finally(run));
    }

    // without a `constructor`, `await` calls `then`, as it does for any other thenable
    // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
    return Object.defineProperties(promise, { then: { value: then }, finally: { value: atLast }, constructor: { value: undefined } });
  }

  void admitted.then((isAdmitted) => (isAdmitted ? open() : noteRefusal()));
  void Promise.prototype.then.call(result, open, noteRefusal);
  return watch(result);
}

/** Whether the runtime made a function to settle a promise. Such a function has no name, unlike one made by `bind` and the methods of a runtime's objects. */
function settlesPromise(handler: unknown): boolean {
  return typeof handler === 'function' && handler.name === '' && NATIVE.test(Function.prototype.toString.call(handler));
}

const NATIVE = /\{\s*\[native code\]\s*\}$/;
