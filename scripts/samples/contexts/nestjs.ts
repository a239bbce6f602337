import type { BrowserSessionCredentials } from '@tokenward/core';
import type { Get as AnyGet, INestApplication, Type } from '@nestjs/common';
import type { NestGuard as AnyNestGuard } from '@tokenward/nestjs';
import type { Server } from 'node:http';
import type { WebSocketServer } from 'ws';

declare global {
  /** The browser session of the web app. */
  const session: BrowserSessionCredentials;
  type NestGuard = AnyNestGuard;
  const Get: typeof AnyGet;
  const guard: NestGuard;
  const OrdersController: Type;
  const AppModule: Type;
  const app: INestApplication;
  const server: Server;
  const sockets: WebSocketServer;
  /** The user as whom a test acts. */
  const caller: { subject: string; scopes: string[] };
}
