import { Logger, type ExecutionContext } from '@nestjs/common';
import type { Deny } from '@tokenward/core';
import { answerRefusal, createMemory, never, problemHeaders, type RefusalListeners } from '@tokenward/core/adapter';
import { carrierOf, type Carrier } from '../call/carrier.js';
import { AccessDeniedException, exceptionOf } from './denial.js';
import { isSent, setHeaders } from '../call/response.js';

type Answering = RefusalListeners<[context: ExecutionContext]>;

/** Answers a refusal: by `onDenied`, where that is given, else by an exception. */
export function refuse(decision: Deny, context: ExecutionContext, carrier: Carrier | undefined, engine: Answering): never | Promise<never> {
  logRefusal(decision, context);
  const answered = answerRefusal<[ExecutionContext], Promise<never>>(engine, decision, [context], end);
  return Promise.resolve(answered).then(() => end(decision));

  /** A call that was answered is over: neither its handler nor an exception filter has anything to do. */
  function end(left: Deny): Promise<never> {
    if (carrier?.response && isSent(carrier.response)) return never();
    if (carrier?.response) setHeaders(carrier.response, problemHeaders(left));
    throw exceptionOf(left, context);
  }
}

const contexts = createMemory<object, ExecutionContext>();

/** Has {@link refuseFrom} know what a handler's request is about, since a handler has no context. */
export function rememberContext(request: object, context: ExecutionContext): void {
  contexts.set(request, context);
}

/** Answers a refusal that was not the guard's own, as the guard answers its own. */
export async function refuseFrom(decision: Deny, from: ExecutionContext | object, engine: Answering): Promise<never> {
  const context = 'getHandler' in from ? from : contexts.get(from);
  if (context) return refuse(decision, context, carrierOf(context), engine);
  throw new AccessDeniedException(decision);
}

/** Refusals are a stranger's doing, and print at the level `debug`; an outage is the operator's, and prints as a warning. */
function logRefusal(decision: Deny, context: ExecutionContext): void {
  const level = decision.status === 503 ? 'warn' : 'debug';
  if (!Logger.isLevelEnabled(level)) return;
  const { reason, summary, remedy } = decision.explain();
  Logger[level](`${context.getClass().name}.${context.getHandler().name} refused with ${decision.status} (${reason}): ${summary} ${remedy}`, 'Tokenward');
}
