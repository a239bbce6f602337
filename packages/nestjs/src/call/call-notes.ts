import type { ExecutionContext } from '@nestjs/common';
import type { Auth } from '@tokenward/core';
import { createMemory } from '@tokenward/core/adapter';

/** Everything the guard remembers of a request or a context, in one record: adding a field to a foreign object costs as much as the rest of the guard. */
export interface CallNotes {
  /** The guard's answers to the contexts of this request. */
  answers: Answer | undefined;
  /** The context that the guard admitted last. */
  context: ExecutionContext | undefined;
  /** What each guard found: one request may call handlers of several guards (GraphQL). */
  found: FoundAuth | undefined;
}

/** A guard's answer to a context, and the call that the context stood for: a context that the app's code made may stand for another call later. */
export interface Answer {
  readonly context: ExecutionContext;
  readonly handler: object;
  readonly owner: object;
  readonly args: readonly unknown[];
  readonly first: unknown;
  readonly third: unknown;
  readonly at: number;
  readonly answer: true | Promise<boolean>;
  next: Answer | undefined;
}

/** The `Auth` that one guard found: undefined if the request carried no credentials, or if its handler is open. */
export interface FoundAuth {
  readonly guard: string;
  auth: Auth | undefined;
  readonly next: FoundAuth | undefined;
}

const notes = createMemory<object, CallNotes>();

/** Returns the notes on a request or a context, and starts them if there are none. */
export function notesOf(key: object): CallNotes {
  return notes.getOrMake(key, emptyNotes);
}

/** Returns the notes on a request or a context, if there are any. */
export function findNotes(key: object): CallNotes | undefined {
  return notes.get(key);
}

function emptyNotes(): CallNotes {
  return { answers: undefined, context: undefined, found: undefined };
}

/** Returns what a guard found of a request, if it has seen the request. */
export function foundBy(request: object, guard: string): FoundAuth | undefined {
  let found = findNotes(request)?.found;
  while (found && found.guard !== guard) found = found.next;
  return found;
}

export function rememberAuth(request: object, guard: string, auth: Auth | undefined): void {
  const known = foundBy(request, guard);
  if (known) {
    known.auth = auth;
    return;
  }
  const own = notesOf(request);
  own.found = { guard, auth, next: own.found };
}

/** Remembers a call of an open handler. An earlier finding stays: one request may call handlers that are open and others that are not. */
export function rememberOpen(request: object, guard: string): void {
  if (!foundBy(request, guard)) rememberAuth(request, guard, undefined);
}
