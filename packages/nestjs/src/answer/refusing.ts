import { Logger, type ExecutionContext } from '@nestjs/common';
import type { Deny } from '@tokenward/core';
import { answerRefusal, never, problemHeaders, wasPrinted, withoutCookies, type RefusalListeners } from '@tokenward/core/adapter';
import { findNotes, notesOf } from '../call/call-notes.js';
import { carrierOf, type Carrier } from '../call/carrier.js';
import { AccessDeniedException, exceptionOf } from './denial.js';
import { isSent, setCookies, setRefusalHeaders } from '../call/response.js';

type Answering = RefusalListeners<[context: ExecutionContext]>;

/** Answers a refusal: by `onDenied` if the guard has it, else by an exception. */
export function refuse(decision: Deny, context: ExecutionContext, carrier: Carrier | undefined, engine: Answering): never | Promise<never> {
  logRefusal(decision, context);
  setCookies(carrier, decision.headers);
  const answered = answerRefusal<[ExecutionContext], Promise<never>>(engine, decision, [context], end);
  return Promise.resolve(answered).then(() => end(decision));

  /** If a response was sent, the call is over: neither its handler nor an exception filter may run. */
  function end(unanswered: Deny): Promise<never> {
    if (carrier?.response && isSent(carrier.response)) return never();
    // the decision's headers are on the response already, and an exception filter that sets them again must not replace the app's cookies
    const exception = exceptionOf(carrier?.response ? withoutCookies(unanswered) : unanswered, context);
    if (carrier?.response) setRefusalHeaders(carrier.response, problemHeaders(unanswered), bodyOf(exception));
    throw exception;
  }
}

function bodyOf(exception: Error): unknown {
  return exception instanceof AccessDeniedException ? exception.getResponse() : undefined;
}

/** Remembers the context of a request for {@link refuseFrom}: a handler has only the request. */
export function rememberContext(request: object, context: ExecutionContext): void {
  notesOf(request).context = context;
}

/** Answers a refusal that the application decided, as the guard answers its own. */
export async function refuseFrom(decision: Deny, from: ExecutionContext | object, engine: Answering): Promise<never> {
  const context = 'getHandler' in from ? from : findNotes(from)?.context;
  if (context) return refuse(decision, context, carrierOf(context), engine);
  throw new AccessDeniedException(decision);
}

/**
 * Logs a refusal at the level `debug`, since any client can cause one. An outage concerns the operator, so it is a warning. It leaves out what the guard has
 * printed on stderr.
 */
function logRefusal(decision: Deny, context: ExecutionContext): void {
  if (wasPrinted(decision)) return;
  const level = decision.status === 503 ? 'warn' : 'debug';
  if (!Logger.isLevelEnabled(level)) return;
  const { reason, summary, remedy, docs } = decision.explain();
  const handler = `${context.getClass().name}.${context.getHandler().name}`;
  Logger[level](`${handler} refused with ${decision.status} (${reason}): ${summary} ${remedy} (${docs})`, 'Tokenward');
}
