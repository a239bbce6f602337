import { Logger, type ExecutionContext } from '@nestjs/common';
import type { Deny } from '@tokenward/core';
import { answerOf, createMemory, problemHeaders } from '@tokenward/core/adapter';
import { carrierOf, type Carrier } from '../call/carrier.js';
import { AccessDeniedException, exceptionOf } from './denial.js';
import { isSent, setHeaders } from '../call/response.js';

/** What of a guard has a say in how a refusal is answered. */
interface Answering {
  readonly onDenied: ((decision: Deny, context: ExecutionContext) => unknown) | undefined;
  refused(decision: Deny, context: ExecutionContext): void;
}

/** Answers a refusal: by `onDenied`, where that is given, else by an exception. */
export function refuse(decision: Deny, context: ExecutionContext, carrier: Carrier | undefined, engine: Answering): never | Promise<never> {
  logRefusal(decision, context);
  engine.refused(decision, context);
  if (engine.onDenied) return answer(decision, context, carrier, engine.onDenied);
  throw denied(decision, context, carrier);
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

async function answer(decision: Deny, context: ExecutionContext, carrier: Carrier | undefined, onDenied: Answering['onDenied'] & {}): Promise<never> {
  const left = await answerOf(onDenied, decision, context);
  if (carrier?.response && isSent(carrier.response)) return never();
  throw denied(left ?? decision, context, carrier);
}

function denied(decision: Deny, context: ExecutionContext, carrier: Carrier | undefined): Error {
  if (carrier?.response) setHeaders(carrier.response, problemHeaders(decision));
  return exceptionOf(decision, context);
}

/** A call that was answered is over: neither its handler nor an exception filter has anything to do. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Refusals are a stranger's doing, and print at the level `debug`; an outage is the operator's, and prints as a warning. */
function logRefusal(decision: Deny, context: ExecutionContext): void {
  const level = decision.status === 503 ? 'warn' : 'debug';
  if (!Logger.isLevelEnabled(level)) return;
  const { reason, summary, remedy } = decision.explain();
  Logger[level](`${context.getClass().name}.${context.getHandler().name} refused with ${decision.status} (${reason}): ${summary} ${remedy}`, 'Tokenward');
}
