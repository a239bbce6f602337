import type { Middleware } from 'koa';

declare global {
  const jwksUri: string;
  function needScope(name: string): Middleware;
  const reports: Middleware;
}
