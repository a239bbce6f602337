import { Res, UseGuards, type CanActivate, type ModuleMetadata, type Type } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { CurrentAuth, OptionalAuth, TokenwardModule, type Auth } from '@tokenward/nestjs';
import { createNestApp, type Platform } from '../../nestjs-app.ts';
import type { Apps, Dispatch, Ingredients } from '../app.ts';

export async function nestjsApps(platform: Platform, { options, credentials, check, admit }: Ingredients): Promise<Apps> {
  class Unguarded {
    me(response: Response): void {
      leave(response);
      check();
    }
  }

  class Stepped {
    me(response: Response): void {
      leave(response);
      check();
    }
  }

  class Guarded {
    me(response: Response, auth: Auth | undefined): void {
      leave(response);
      admit(auth);
    }
  }

  UseGuards(Step)(Stepped);
  (credentials === 'optional' ? CurrentAuth('optional') : CurrentAuth())(Guarded.prototype, 'me', 1);
  if (credentials === 'optional') OptionalAuth()(Guarded);
  return {
    unguarded: await dispatchOf(platform, Unguarded),
    step: await dispatchOf(platform, Stepped),
    guarded: await dispatchOf(platform, Guarded, { imports: [TokenwardModule.forRoot(options)] }),
  };
}

class Step implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** Only Fastify's reply has to be hijacked. */
interface Response {
  hijack?(): void;
}

/** Fastify would answer when its handler returns. Nest leaves the answer to a handler that asks for the response. */
function leave(response: Response): void {
  response.hijack?.();
}

async function dispatchOf(
  platform: Platform,
  controller: Type<{ me(response: Response, auth: Auth | undefined): void }>,
  metadata?: ModuleMetadata,
): Promise<Dispatch> {
  Res()(controller.prototype as object, 'me', 0);
  const app = await createNestApp(platform, controller, metadata);
  await app.init();
  const instance: unknown = app.getHttpAdapter().getInstance();
  if (platform === 'express') return instance as Dispatch;
  const fastify = instance as FastifyInstance;
  await fastify.ready();
  return (request, response) => fastify.routing(request, response);
}
