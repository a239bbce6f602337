import type { CanActivate, DynamicModule, ExecutionContext, INestApplicationContext } from '@nestjs/common';
import { expectTypeOf, test } from 'vitest';
import {
  CurrentAuth,
  getAuth,
  guardToken,
  listHandlers,
  Require,
  scope,
  TokenwardModule,
  type Auth,
  type Claims,
  type HandlerDescription,
  type NestGuard,
  type TokenwardGuard,
} from '@tokenward/nestjs';
import { runAs, TokenwardTestingModule } from '@tokenward/nestjs/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';

interface MyClaims {
  readonly tenant: string;
}

test('what users see', () => {
  const context = {} as ExecutionContext;
  expectTypeOf(getAuth(context)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(context, 'optional')).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(getAuth(context).claims['tenant']).toEqualTypeOf<unknown>();
  expectTypeOf(getAuth<MyClaims>({}).claims.tenant).toEqualTypeOf<string>();
  expectTypeOf(CurrentAuth()).toEqualTypeOf<ParameterDecorator>();
  expectTypeOf(CurrentAuth('subject')).toEqualTypeOf<ParameterDecorator>();
  expectTypeOf(CurrentAuth('optional')).toEqualTypeOf<ParameterDecorator>();
  expectTypeOf(CurrentAuth('subject', 'optional')).toEqualTypeOf<ParameterDecorator>();
  const partner = {} as NestGuard<MyClaims>;
  expectTypeOf(partner.getAuth(context).claims.tenant).toEqualTypeOf<string>();
  expectTypeOf(partner.getAuth(context, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
  expectTypeOf<NestGuard>().toEqualTypeOf<NestGuard<Claims>>();
  // @ts-expect-error no member of Auth
  CurrentAuth('token');
  // @ts-expect-error it would need nothing
  Require();
  Require(scope('a'), scope('b'));

  expectTypeOf(TokenwardModule.forRoot()).toEqualTypeOf<DynamicModule>();
  TokenwardModule.forRoot({ issuer: 'https://login.example.com', audience: 'a', name: 'partner' });
  // @ts-expect-error the name is told at once, not by the factory
  TokenwardModule.forRootAsync({ useFactory: () => ({ name: 'partner' }) });
  // @ts-expect-error no option
  TokenwardModule.forRoot({ isuer: 'https://login.example.com' });
  expectTypeOf(guardToken('partner')).toEqualTypeOf<string>();
  expectTypeOf(listHandlers({} as INestApplicationContext)).toEqualTypeOf<HandlerDescription[]>();
  expectTypeOf<TokenwardGuard>().toExtend<CanActivate>();

  expectTypeOf(TokenwardTestingModule.as({ subject: 'a', claims: { tenant: 'b' } })).toEqualTypeOf<DynamicModule>();
  expectTypeOf(runAs({} as TestingModuleBuilder, () => undefined)).toEqualTypeOf<TestingModuleBuilder>();
});
