import type { CanActivate, Type } from '@nestjs/common';
import type { APP_GUARD as AnyAppGuard } from '@nestjs/core';
import type { Express as App, RequestHandler } from 'express';

declare global {
  const app: App;
  const list: RequestHandler;
  const jwksUri: string;
  function needScope(name: string): RequestHandler;
  namespace Express {
    interface User {
      id: string;
    }
  }
  const APP_GUARD: typeof AnyAppGuard;
  const JwtStrategy: Type;
  const JwtAuthGuard: Type<CanActivate>;
  const RolesGuard: Type<CanActivate>;
}
