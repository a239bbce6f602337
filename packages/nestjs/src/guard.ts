import { Inject, Injectable, Optional, type CanActivate, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RouteRequirements, Decision } from '@tokenward/core';
import { misuse, never, requirementsOf } from '@tokenward/core/adapter';
import { isAskedByNest, settleByHand } from './answer/by-hand.js';
import { answerTo, rememberAdmitted, rememberPending } from './answer/answers.js';
import { rememberAuth, rememberOpen } from './call/call-notes.js';
import { carrierOf, unseenRequest, type Carrier } from './call/carrier.js';
import { refuse, rememberContext } from './answer/refusing.js';
import { ruleOfHandler, type Rule } from './rules/rule.js';
import { GUARD } from './rules/marks.js';
import { endStreamWithToken, isEventStream, isSent, setCookies, setHeaders } from './call/response.js';
import { endWithToken } from './engine/sockets.js';
import { lastingRefusal, readLate } from './engine/uploads.js';
import type { Engine } from './engine/engine.js';
import { GUARDS, type Guards } from './start/guards.js';
import { assertContext, assertNotServing, IMPORT_IT } from './start/misuse.js';

/** Admits or refuses a call by the decorators of its handler, in every kind of context. */
@Injectable()
export class TokenwardGuard implements CanActivate, OnModuleInit {
  static readonly [GUARD] = true;
  readonly #guards: Guards | undefined;
  readonly #module: ModuleRef | undefined;

  /** Nest creates the guard: `TokenwardModule.forRoot(...)` registers it as a global guard. */
  constructor(@Optional() @Inject(GUARDS) guards?: Guards, @Optional() @Inject(ModuleRef) module?: ModuleRef) {
    if (guards && typeof guards.get !== 'function') throw misuse('new TokenwardGuard(...)', `takes no options. ${IMPORT_IT}`);
    this.#guards = guards;
    this.#module = module;
  }

  /** @throws ConfigurationError if the application serves handlers without `TokenwardModule`: those without decorators would be open */
  onModuleInit(): void {
    if (!this.#guards && this.#module) assertNotServing(this.#module);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    assertContext(context);
    const known = answerTo(context);
    if (known !== undefined) return known;
    const rule = ruleOfHandler(context.getClass(), context.getHandler());
    if (!rule.requirements) return admit(context);
    const engine = this.#engineOf(rule);
    const carrier = carrierOf(context, engine.rpcAuthorization);
    if (!rule.marked && engine.leaveUnmarkedHandlersOpen) {
      if (carrier) rememberOpen(carrier.request, rule.guard);
      return admit(context);
    }
    const decision = carrier
      ? decideOn(carrier, rule.requirementsFor(carrier.request), engine)
      : engine.decide(unseenRequest(), withCredentials(rule.requirements));
    // without `onDenied`, a refusal that is known is thrown: the caller need not wait for it
    if ((decision instanceof Promise || (decision.outcome === 'deny' && engine.onDenied)) && carrier?.response && !isAskedByNest(canActivate)) {
      const finish = (one: Decision): boolean | Promise<boolean> => settle(one, context, carrier, rule, engine);
      return rememberPending(context, settleByHand(decision, carrier.response, finish));
    }
    const settled =
      decision instanceof Promise ? decision.then((one) => settle(one, context, carrier, rule, engine)) : settle(decision, context, carrier, rule, engine);
    return settled instanceof Promise ? rememberPending(context, settled) : settled;
  }

  #engineOf({ guard }: Rule): Engine {
    if (!this.#guards) throw misuse('TokenwardModule', `is not imported, or Nest did not create this guard, so it admits no call. ${IMPORT_IT}`);
    return this.#guards.get(guard);
  }
}

const { canActivate } = TokenwardGuard.prototype;

/** An early refusal of a large request stays in force. An early admission does not: the token may have expired or the request changed while the body arrived. */
function decideOn({ request, response, socket }: Carrier, requirements: RouteRequirements, engine: Engine): Decision | Promise<Decision> {
  // the next message on a socket is another call
  const decision = engine.decide(request, requirements, socket === undefined);
  const refusal = response && lastingRefusal(request, engine, requirements);
  if (!refusal) return decision;
  const lasting = (one: Decision): Decision => (one.outcome === 'allow' ? refusal : one);
  return decision instanceof Promise ? decision.then(lasting) : lasting(decision);
}

/** Returns requirements that always need a token: if the guard cannot read credentials, optional authentication must not take them as absent. */
function withCredentials({ policy }: RouteRequirements): RouteRequirements {
  return requirementsOf('required', policy ? [policy] : []);
}

function settle(decision: Decision, context: ExecutionContext, carrier: Carrier | undefined, rule: Rule, engine: Engine): boolean | Promise<boolean> {
  // while the guard fetched keys, a time-out may have answered or the client may have left: then no handler may run
  if (carrier?.response && isSent(carrier.response)) return never();
  if (decision.outcome !== 'allow') return refuse(decision, context, carrier, engine);
  rememberAdmitted(context);
  if (!carrier) return true;
  const { request, response, socket } = carrier;
  rememberContext(request, context);
  if (response) setHeaders(response, decision.headers);
  else setCookies(carrier, decision.headers);
  rememberAuth(request, rule.guard, decision.auth);
  if (decision.auth) {
    if (socket) endWithToken(request, socket, decision.auth);
    else if (response && isEventStream(context)) endStreamWithToken(response, decision.auth);
  }
  return admit(context);
}

function admit(context: ExecutionContext): true | Promise<true> {
  return context.getType() === 'http' ? readLate(context.getArgByIndex(0)) : true;
}
