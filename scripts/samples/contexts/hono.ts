import type { BrowserSessionCredentials } from '@tokenward/core';
import type { HonoGuard } from '@tokenward/hono';
import type { Hono as App } from 'hono';

declare global {
  const session: BrowserSessionCredentials;
  const app: App;
  const Hono: typeof App;
  const guard: HonoGuard;
}
