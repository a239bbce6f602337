import type { Type } from '@nestjs/common';

declare global {
  const OrdersController: Type;
  const AppModule: Type;
  /** Whom a test acts as. */
  const whoever: { subject: string; scopes: string[] };
}
