import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { BROWSER_SESSION, BrowserSessionModule, type BrowserSessionOptions, type NestBrowserSession } from '@tokenward/browser-session/nestjs';
import { TokenwardModule } from '@tokenward/nestjs';
import { describe, expect, onTestFinished, test } from 'vitest';

const OPTIONS: BrowserSessionOptions = {
  issuer: 'https://login.example.com',
  clientId: 'web-app',
  clientSecret: 'a-client-secret-of-more-than-32-characters',
  origin: 'https://app.example.com',
  secrets: ['a secret of a test that has more than 32 characters'],
};

@Controller('me')
class MeController {
  @Get()
  me() {
    return {};
  }
}

describe.each(['express', 'fastify'] as const)('NestJS on %s', (engine) => {
  async function start(imports: DynamicModule[], prepare?: (app: INestApplication) => void): Promise<{ app: INestApplication; origin: string }> {
    @Module({ imports, controllers: [MeController] })
    // eslint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
    class AppModule {}
    const quiet = { logger: false, abortOnError: false } as const;
    const app = await (engine === 'express' ? NestFactory.create(AppModule, quiet) : NestFactory.create(AppModule, new FastifyAdapter(), quiet));
    prepare?.(app);
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    return { app, origin: await app.getUrl() };
  }

  async function statusOf(origin: string, path: string): Promise<number> {
    const response = await fetch(origin + path, { headers: { 'x-tokenward-csrf': '1' } });
    await response.body?.cancel();
    return response.status;
  }

  test('forRoot mounts the routes, and global guards protect the rest alone', async () => {
    const { origin } = await start([
      BrowserSessionModule.forRoot(OPTIONS),
      TokenwardModule.forRoot({ issuer: OPTIONS.issuer, audience: 'https://api.example.com' }),
    ]);
    expect(await statusOf(origin, '/session/user')).toBe(200);
    expect(await statusOf(origin, '/me')).toBe(401);
    expect(await statusOf(origin, '/nothing')).toBe(404);
  });

  test('a global prefix moves handlers, and not the session, since the issuer knows the address of the callback', async () => {
    const { origin } = await start([BrowserSessionModule.forRoot(OPTIONS)], (app) => void app.setGlobalPrefix('v1'));
    expect([await statusOf(origin, '/session/user'), await statusOf(origin, '/v1/session/user'), await statusOf(origin, '/v1/me')]).toEqual([200, 404, 200]);
  });

  test('forRootAsync takes options from other providers, and other modules get the session by its token', async () => {
    const config = { provide: 'CONFIG', useValue: OPTIONS };
    // eslint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
    class ConfigModule {}
    const imported = { module: ConfigModule, providers: [config], exports: ['CONFIG'] };
    const upstream = createServer().listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    onTestFinished(() => void upstream.close());
    const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    const { app, origin } = await start([
      BrowserSessionModule.forRootAsync({
        imports: [imported],
        inject: ['CONFIG'],
        useFactory: async (options: BrowserSessionOptions) => ({
          ...options,
          path: '/auth',
          proxies: [{ mountPath: '/api', to, methods: ['GET'], paths: ['/'] }],
        }),
      }),
      TokenwardModule.forRootAsync({
        inject: [BROWSER_SESSION],
        useFactory: (session: NestBrowserSession) => ({ issuer: OPTIONS.issuer, audience: 'https://api.example.com', session }),
      }),
    ]);
    expect([await statusOf(origin, '/auth/user'), await statusOf(origin, '/session/user'), await statusOf(origin, '/api/x')]).toEqual([200, 404, 401]);
    expect(app.get<NestBrowserSession>(BROWSER_SESSION).path).toBe('/auth');
  });

  test('invalid options stop the start', async () => {
    await expect(start([BrowserSessionModule.forRoot({ ...OPTIONS, secrets: [] })])).rejects.toThrow('secrets');
    const proxies = [{ mountPath: '/api', to: 'http://orders.internal', methods: ['GET'], paths: ['/'] }];
    await expect(start([BrowserSessionModule.forRoot({ ...OPTIONS, proxies })])).rejects.toThrow('to: must use https');
  });
});
