import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { Body, Controller, Get, HttpCode, Inject, Module, NotFoundException, Post, Req, Res, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { BROWSER_SESSION, BrowserSessionModule, createBrowserSession, type NestBrowserSession } from '@tokenward/browser-session/nestjs';
import { CurrentAuth, Public, TokenwardModule, type Auth } from '@tokenward/nestjs';
import type { AppFile, AppParts, FrameworkApp } from './app-parts.ts';

const FILES = Symbol('files');

@Controller()
class AppController {
  constructor(
    @Inject(BROWSER_SESSION) private readonly session: NestBrowserSession,
    @Inject(FILES) private readonly files: ReadonlyMap<string, AppFile>,
  ) {}

  @Get(['/', 'client.js', 'worker.js'])
  @Public()
  file(@Req() request: { readonly url: string }, @Res({ passthrough: true }) response: { header(name: string, value: string): unknown }) {
    const file = this.files.get(request.url.split('?')[0]!);
    if (!file) throw new NotFoundException();
    response.header('content-type', file.type);
    return file.text;
  }

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

async function nestApp({ options, audience, api, files = new Map() }: AppParts, create: Create): Promise<FrameworkApp> {
  const session = createBrowserSession(options);
  const proxy = { mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], paths: ['/'], webSockets: true };
  @Module({
    imports: [TokenwardModule.forRoot({ issuer: options.issuer, audience, session }), BrowserSessionModule.forRoot({ session, proxies: [proxy] })],
    controllers: [AppController],
    providers: [{ provide: FILES, useValue: files }],
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
