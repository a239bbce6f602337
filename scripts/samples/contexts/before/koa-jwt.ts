import type { Router } from '@koa/router';
import type Koa from 'koa';
import type { Middleware } from 'koa';

declare global {
  const app: Koa;
  const router: Router;
  const jwksUri: string;
  function needScope(name: string): Middleware;
  const reports: Middleware;
}
