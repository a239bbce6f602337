import type { BrowserSessionCredentials } from '@tokenward/core';
import type { Router } from '@koa/router';
import type { KoaGuard } from '@tokenward/koa';
import type Koa from 'koa';
import type { Server } from 'node:http';

declare global {
  /** The browser session of the web app. */
  const session: BrowserSessionCredentials;
  const app: Koa;
  const router: Router;
  const open: Router;
  const guard: KoaGuard;
  const server: Server;
}
