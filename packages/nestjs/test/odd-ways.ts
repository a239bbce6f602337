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

/** What a guard of the user's does with ours. */
type Call = (guard: TokenwardGuard, context: ExecutionContext) => boolean | Promise<boolean>;
type ByHand = MethodDecorator & ClassDecorator;

/** Ways in which a guard of the user's, beside ours, calls it. */
const CALLS: Readonly<Record<string, Call>> = {
  awaited: async (guard, context) => {
    await guard.canActivate(context);
    return true;
  },
  'not awaited': (guard, context) => {
    void guard.canActivate(context);
    return true;
  },
  'awaited in a try that swallows': async (guard, context) => {
    try {
      await guard.canActivate(context);
    } catch {
      return true;
    }
    return true;
  },
  'asked with another context of the same call': async (guard, context) => {
    const { args, owner, handler } = { args: context.getArgs<unknown[]>(), owner: context.getClass(), handler: context.getHandler() };
    return guard.canActivate(new ExecutionContextHost(args, owner, handler));
  },
};

/** That guard, behind ours or ahead of it. */
function guardThat(call: Call): Type<CanActivate> {
  @Injectable()
  class CallingGuard implements CanActivate {
    constructor(@Inject(TokenwardGuard) readonly guard: TokenwardGuard) {}

    canActivate(context: ExecutionContext) {
      return call(this.guard, context);
    }
  }
  return CallingGuard;
}

/** One that extends ours, and does not wait for it. */
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

const BEHIND: Readonly<Record<string, ByHand>> = {
  'behind the guard, not awaited': UseGuards(guardThat(CALLS['not awaited']!)),
  'extended and not awaited': UseGuards(HastyGuard),
  'in an interceptor, not awaited': UseInterceptors(HastyInterceptor),
};

/** Ahead of all guards: in the application's own global guard, or in middleware. */
const AHEAD: Readonly<Record<string, (app: INestApplication) => void>> = {
  ...Object.fromEntries(
    Object.entries(CALLS).map(([name, call]) => [
      `ahead of the guard, ${name}`,
      (app: INestApplication) => {
        const guard = app.get(TokenwardGuard);
        const before = (app as unknown as { config: { getGlobalGuards(): CanActivate[] } }).config.getGlobalGuards();
        before.unshift({ canActivate: (context) => call(guard, context) });
      },
    ]),
  ),
  'made by hand, among the global guards': (app) => void app.useGlobalGuards(new TokenwardGuard()),
};

export const oddWays: readonly OddWay[] = [...Object.keys(BEHIND), ...Object.keys(AHEAD)].map((name) => ({ name, isAwaited: true }));

/** What stands on the handler of such a route. */
export function decoratorOf(way: string): ByHand | undefined {
  return BEHIND[way];
}

/** What such a route's application does before it starts. */
export function prepareFor(way: string, app: INestApplication): void {
  AHEAD[way]?.(app);
}
