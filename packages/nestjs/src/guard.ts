import { Inject, Injectable, Optional, type CanActivate, type ExecutionContext, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RouteRequirements, Decision } from '@tokenward/core';
import { misuse, never, requirementsOf } from '@tokenward/core/adapter';
import { isAskedByNest, settleByHand } from './answer/by-hand.js';
import { answerTo, rememberAdmitted, rememberPending } from './answer/answers.js';
import { carrierOf, unseenRequest, type Carrier } from './call/carrier.js';
import { rememberAuth, rememberNobody } from './engine/current-auth.js';
import { refuse, rememberContext } from './answer/refusing.js';
import { GUARD, ruleOfHandler, type Rule } from './rules/rule.js';
import { endStreamWithToken, isEventStream, isSent, setHeaders } from './call/response.js';
import { endWithToken } from './engine/sockets.js';
import { lastingRefusal, readLate } from './engine/uploads.js';
import type { Engine } from './engine/engine.js';
import { GUARDS, type Guards } from './start/guards.js';
import { assertContext, assertNotServing, IMPORT_IT } from './start/misuse.js';

/** Admits a call to its handler by what the handler's decorators ask for, in every kind of context, or refuses it. */
@Injectable()
export class TokenwardGuard implements CanActivate, OnModuleInit {
  static readonly [GUARD] = true;
  readonly #guards: Guards | undefined;
  readonly #module: ModuleRef | undefined;

  /** Nest makes it: `TokenwardModule.forRoot(...)` puts it among the global guards. */
  constructor(@Optional() @Inject(GUARDS) guards?: Guards, @Optional() @Inject(ModuleRef) module?: ModuleRef) {
    if (guards && typeof guards.get !== 'function') throw misuse('new TokenwardGuard(...)', `takes no options. ${IMPORT_IT}`);
    this.#guards = guards;
    this.#module = module;
  }

  /** @throws ConfigurationError where an application serves without `TokenwardModule`: its handlers without decorators would be open */
  onModuleInit(): void {
    if (!this.#guards && this.#module) assertNotServing(this.#module);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    assertContext(context);
    const known = answerTo(context);
    if (known !== undefined) return known;
    const rule = ruleOfHandler(context.getClass(), context.getHandler());
    if (!rule.access) return admit(context);
    const engine = this.#engineOf(rule);
    const carrier = carrierOf(context, engine.rpcAuthorization);
    if (!rule.marked && engine.leaveUnmarkedHandlersOpen) {
      if (carrier) rememberNobody(carrier.request, rule.guard);
      return admit(context);
    }
    const decision = carrier ? decideOn(carrier, rule.requirementsFor(carrier.request), engine) : engine.decide(unseenRequest(), withCredentials(rule.access));
    const finish = (one: Decision): boolean | Promise<boolean> => settle(one, context, carrier, rule, engine);
    const settled = decision instanceof Promise ? this.#settleLater(decision, carrier, finish) : finish(decision);
    return settled instanceof Promise ? rememberPending(context, settled) : settled;
  }

  #settleLater(decision: Promise<Decision>, carrier: Carrier | undefined, finish: (decision: Decision) => boolean | Promise<boolean>): Promise<boolean> {
    const { canActivate } = TokenwardGuard.prototype;
    if (!carrier?.response || isAskedByNest(canActivate)) return decision.then(finish);
    return settleByHand(decision, carrier.response, finish);
  }

  #engineOf({ guard }: Rule): Engine {
    if (!this.#guards) throw misuse('TokenwardModule', `is not imported, or this guard was made by hand, so it admits nobody. ${IMPORT_IT}`);
    return this.#guards.get(guard);
  }
}

/** What was foreseen of a large request admits nobody: while its body was on its way the token may have ended, and others may have changed the request. */
function decideOn({ request, response }: Carrier, access: RouteRequirements, engine: Engine): Decision | Promise<Decision> {
  const decision = engine.decide(request, access);
  const refusal = response && lastingRefusal(request, engine, access);
  if (!refusal) return decision;
  const lasting = (one: Decision): Decision => (one.outcome === 'allow' ? refusal : one);
  return decision instanceof Promise ? decision.then(lasting) : lasting(decision);
}

/** Where credentials can't be seen, that there are none is not known. */
function withCredentials({ policy }: RouteRequirements): RouteRequirements {
  return requirementsOf('required', policy ? [policy] : []);
}

function settle(decision: Decision, context: ExecutionContext, carrier: Carrier | undefined, rule: Rule, engine: Engine): boolean | Promise<boolean> {
  // while keys were fetched a time-out may have answered, or the client may have left: no handler runs for it
  if (carrier?.response && isSent(carrier.response)) return never();
  if (decision.outcome !== 'allow') return refuse(decision, context, carrier, engine);
  rememberAdmitted(context);
  if (!carrier) return true;
  const { request, response, socket } = carrier;
  rememberContext(request, context);
  if (response) setHeaders(response, decision.headers);
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
