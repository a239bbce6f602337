import type { Router } from '@koa/router';
import type { KoaGuard } from '@tokenward/koa';
import type Koa from 'koa';
import type { Server } from 'node:http';

declare global {
  const app: Koa;
  const router: Router;
  const open: Router;
  const guard: KoaGuard;
  const server: Server;
}
