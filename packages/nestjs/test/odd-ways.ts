import {
  Inject,
  Injectable,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { TokenwardGuard } from '@tokenward/nestjs';
import type { OddWay } from '@tokenward/testing/adapter-suite';
import type { Observable } from 'rxjs';

/** How other code calls the guard. */
type Call = (guard: TokenwardGuard, context: ExecutionContext) => boolean | Promise<boolean>;
type ByHand = MethodDecorator & ClassDecorator;

/** How another guard of the app may call ours. */
const CALLS: Readonly<Record<string, Call>> = {
  awaited: async (guard, context) => {
    await guard.canActivate(context);
    return true;
  },
  'not awaited': (guard, context) => {
    void guard.canActivate(context);
    return true;
  },
  'awaited in a try block that ignores errors': async (guard, context) => {
    try {
      await guard.canActivate(context);
    } catch {
      return true;
    }
    return true;
  },
  'called with another context of the same call': async (guard, context) => {
    const { args, owner, handler } = { args: context.getArgs<unknown[]>(), owner: context.getClass(), handler: context.getHandler() };
    return guard.canActivate(new ExecutionContextHost(args, owner, handler));
  },
};

/** Returns a guard that calls ours, to run after ours or before it. */
function callingGuard(call: Call): Type<CanActivate> {
  @Injectable()
  class CallingGuard implements CanActivate {
    constructor(@Inject(TokenwardGuard) readonly guard: TokenwardGuard) {}

    canActivate(context: ExecutionContext) {
      return call(this.guard, context);
    }
  }
  return CallingGuard;
}

/** Extends our guard, and does not wait for it. */
class HastyGuard extends TokenwardGuard {
  override canActivate(context: ExecutionContext): boolean {
    void super.canActivate(context);
    return true;
  }
}

@Injectable()
class HastyInterceptor implements NestInterceptor {
  constructor(@Inject(TokenwardGuard) readonly guard: TokenwardGuard) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    void this.guard.canActivate(context);
    return next.handle();
  }
}

/** Decorators of the handler. They run after the guard. */
const AFTER_GUARD: Readonly<Record<string, ByHand>> = {
  'by a later guard, not awaited': UseGuards(callingGuard(CALLS['not awaited']!)),
  'by a subclass, not awaited': UseGuards(HastyGuard),
  'by an interceptor, not awaited': UseInterceptors(HastyInterceptor),
};

/** Global guards of the app. They run before all others. */
const BEFORE_GUARD: Readonly<Record<string, (app: INestApplication) => void>> = {
  ...Object.fromEntries(
    Object.entries(CALLS).map(([name, call]) => [
      `by an earlier guard, ${name}`,
      (app: INestApplication) => {
        const guard = app.get(TokenwardGuard);
        const globalGuards = (app as unknown as { config: { getGlobalGuards(): CanActivate[] } }).config.getGlobalGuards();
        globalGuards.unshift({ canActivate: (context) => call(guard, context) });
      },
    ]),
  ),
  'as a second instance among the global guards': (app) => void app.useGlobalGuards(new TokenwardGuard()),
};

export const oddWays: readonly OddWay[] = [...Object.keys(AFTER_GUARD), ...Object.keys(BEFORE_GUARD)].map((name) => ({ name, isAwaited: true }));

/** Returns the decorator of a route's handler that calls the guard in this way. */
export function decoratorOf(way: string): ByHand | undefined {
  return AFTER_GUARD[way];
}

/** Changes an app before it starts, so that it calls the guard in this way. */
export function prepareFor(way: string, app: INestApplication): void {
  BEFORE_GUARD[way]?.(app);
}
