// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import { Controller, Get, Inject, Module, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import {
  CurrentAuth,
  getAuth,
  guardToken,
  OptionalAuth,
  policy,
  Require,
  TokenwardModule,
  type Auth,
  type ClaimsSchema,
  type Decision,
  type NestGuard,
} from '@tokenward/nestjs';
import { expectTypeOf } from 'vitest';

/** As of `z.object({ tenant: z.string(), since: z.string().transform(Number) })`: what counts is what it makes of claims. */
interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;

declare module '@tokenward/nestjs' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

expectTypeOf<Auth>().toEqualTypeOf<Auth<Output>>();

@Controller('orders')
export class OrdersController {
  constructor(
    @Inject(guardToken()) readonly guard: NestGuard,
    @Inject(guardToken('partner')) readonly partner: NestGuard<{ partnerId: string }>,
  ) {}

  @Get()
  @Require(policy('known tenant', ({ claims }) => claims.tenant !== ''))
  async list(@CurrentAuth() auth: Auth, request: object) {
    expectTypeOf(auth.claims.tenant).toEqualTypeOf<string>();
    expectTypeOf(auth.claims.since).toEqualTypeOf<number>();
    expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
    expectTypeOf(this.guard.getAuth(request)).toEqualTypeOf<Auth>();
    expectTypeOf(await this.guard.check(request)).toEqualTypeOf<Decision<Auth>>();
    expectTypeOf(this.partner.getAuth(request).claims.partnerId).toEqualTypeOf<string>();
    // @ts-expect-error -- the schema knows no such claim
    void auth.claims.tenantt;
  }

  @Get('news')
  @OptionalAuth()
  news(@CurrentAuth('optional') auth: Auth | undefined, @CurrentAuth('claims', 'optional') claims: Auth['claims'] | undefined) {
    return [auth?.claims.tenant, claims?.since];
  }
}

export class TenantInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    expectTypeOf(getAuth(context).claims.tenant).toEqualTypeOf<string>();
    expectTypeOf(getAuth(context, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
    return next.handle();
  }
}

@Module({
  imports: [
    TokenwardModule.forRoot({
      issuer: 'https://login.example.com',
      audience: 'https://api.example.com',
      claims: claimsSchema,
      onDenied(decision, context) {
        expectTypeOf(getAuth(context, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
        return decision;
      },
    }),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
