import type { ResourceGuard } from '@tokenward/core';

declare global {
  const guard: ResourceGuard;
}
