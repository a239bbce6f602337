import type { BrowserSessionCredentials, ResourceGuard } from '@tokenward/core';

declare global {
  /** The browser session of the web app. */
  const session: BrowserSessionCredentials;
  const guard: ResourceGuard;
}
