import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { Body, Controller, Get, HttpCode, Inject, Module, Post, Req, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { BROWSER_SESSION, BrowserSessionModule, createBrowserSession, type NestBrowserSession } from '@tokenward/browser-session/nestjs';
import { CurrentAuth, Public, TokenwardModule, type Auth } from '@tokenward/nestjs';
import type { AppParts, FrameworkApp } from './app-parts.ts';

@Controller()
class AppController {
  constructor(@Inject(BROWSER_SESSION) private readonly session: NestBrowserSession) {}

  @Get('page')
  @Public()
  async page(@Req() request: { readonly headers: Record<string, string> }) {
    return { user: (await this.session.get(request)) ?? null };
  }

  @Get('me')
  me(@CurrentAuth() auth: Auth) {
    return { subject: auth.subject };
  }

  @Post('echo')
  @HttpCode(200)
  echo(@Body() body: object) {
    return body;
  }
}

type Create = (module: object) => Promise<{ readonly app: INestApplication; readonly listener: RequestListener | undefined }>;

async function nestApp({ options, audience, api }: AppParts, create: Create): Promise<FrameworkApp> {
  const session = createBrowserSession(options);
  const proxy = { mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], webSockets: true };
  @Module({
    imports: [TokenwardModule.forRoot({ issuer: options.issuer, audience, session }), BrowserSessionModule.forRoot({ session, proxies: [proxy] })],
    controllers: [AppController],
  })
  // eslint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
  class AppModule {}

  const { app, listener } = await create(AppModule);
  return {
    session,
    upgrade: session.proxy(proxy).upgrade,
    listener,
    async close() {
      await session.close();
      await app.close();
    },
  };
}

const QUIET = { logger: false, abortOnError: false } as const;

export function nestOnExpress(parts: AppParts): Promise<FrameworkApp> {
  return nestApp(parts, async (module) => {
    const listener = express();
    const app = await NestFactory.create(module, new ExpressAdapter(listener), QUIET);
    await app.init();
    return { app, listener: listener as unknown as RequestListener };
  });
}

export function nestOnFastify(parts: AppParts): Promise<FrameworkApp> {
  return nestApp(parts, async (module) => {
    const serverFactory = (listener: RequestListener): never => parts.server.on('request', listener as never) as never;
    const app = await NestFactory.create(module, new FastifyAdapter({ serverFactory } as object), QUIET);
    await app.init();
    await (app.getHttpAdapter().getInstance() as { ready(): Promise<unknown> }).ready();
    return { app, listener: undefined };
  });
}
