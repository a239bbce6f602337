import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import type { Platform } from '../../../nestjs-app.ts';
import { announce, HOST, wantedPort } from '../listen.ts';

/** Reads the platform from the command line. */
export function wantedPlatform(): Platform {
  const wanted = process.argv[2];
  if (wanted !== 'express' && wanted !== 'fastify') throw new Error(`"${wanted}" is not a platform of Nest`);
  return wanted;
}

export async function serve(app: INestApplication<Server>): Promise<void> {
  await app.listen(wantedPort(), HOST);
  announce(app.getHttpServer());
}
