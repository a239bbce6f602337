import {
  All,
  Controller,
  createParamDecorator,
  Delete,
  Get,
  HttpCode,
  Inject,
  Module,
  Options,
  Post,
  Put,
  Req,
  Res,
  StreamableFile,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  CurrentAuth,
  getAuth,
  guardToken,
  OptionalAuth,
  Public,
  Policies,
  TokenwardGuard,
  TokenwardModule,
  type Auth,
  type Deny,
  type MessageHandler,
  type NestGuard,
  type Policy,
} from '@tokenward/nestjs';
import { decoratorOf, prepareFor } from './odd-ways.js';
import type { AppSetup, HandlerInput, RunningApp, StartApp, SuiteReceivers, SuiteRoute, SuiteTls } from '@tokenward/testing/adapter-suite';

export type Platform = 'express' | 'fastify';

interface ServerSettings {
  readonly http2?: boolean | undefined;
  readonly trustsProxies?: boolean | undefined;
  readonly tls?: SuiteTls | undefined;
}

export async function createApp(module: Type, platform: Platform, { http2, trustsProxies, tls }: ServerSettings = {}): Promise<INestApplication> {
  const options = { logger: false, abortOnError: false } as const;
  if (platform === 'fastify') {
    const settings = { ...(http2 && { http2 }), ...(tls && { https: tls }), ...(trustsProxies && { trustProxy: 'loopback' }) };
    return NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(settings as object), options);
  }
  const app = await NestFactory.create<NestExpressApplication>(module, { ...options, ...(tls && { httpsOptions: tls }) });
  if (trustsProxies) app.set('trust proxy', 'loopback');
  return app;
}

export async function listen(app: INestApplication): Promise<RunningApp> {
  await app.listen(0, '127.0.0.1');
  return {
    // NestJS 11 says http, whatever Fastify serves
    origin: (await app.getUrl()).replace('[::1]', '127.0.0.1').replace(/^https?/, 'setSecureContext' in (app.getHttpServer() as object) ? 'https' : 'http'),
    // an app without TokenwardModule has none
    get guard() {
      return app.get<NestGuard>(guardToken());
    },
    server: app.getHttpServer() as RunningApp['server'],
    shutDown: () => app.close(),
    close() {
      (app.getHttpServer() as { closeAllConnections?(): void }).closeAllConnections?.();
      return app.close();
    },
  };
}

const VERBS = { GET: Get, POST: Post, PUT: Put, DELETE: Delete, OPTIONS: Options, ALL: All };

/** The framework's answer, whichever it is. */
interface Answering {
  status(status: number): Answering;
  /** Fastify appends cookies here. */
  header(name: string, value: string | readonly string[]): unknown;
  send(body?: unknown): unknown;
  /** Express. */
  append?(name: string, value: string): unknown;
}

/** Adds cookies in Fastify's way or in Express'. */
function appendCookies(response: Answering, cookies: readonly string[]): void {
  for (const cookie of cookies) (response.append ?? response.header).call(response, 'set-cookie', cookie);
}

/** Starts the suite's apps, with one controller for all routes. */
export function startOn(platform: Platform, { http2 = false } = {}): StartApp {
  return async ({ options, routes, property, onDenied, onRefused, receivers, cors, metadata, trustsProxies, tls }: AppSetup) => {
    @Module({
      imports: [
        TokenwardModule.forRoot({
          ...options,
          ...(property !== undefined && { property }),
          ...(onDenied && {
            async onDenied(decision, context: ExecutionContext) {
              const answer = await onDenied(decision);
              if ('outcome' in answer) return answer;
              const response = context.switchToHttp().getResponse<Answering>();
              appendCookies(response, answer.cookies ?? []);
              for (const [name, value] of Object.entries(answer.withHeadersOf?.headers ?? {})) response.header(name, value);
              response.status(answer.status).send(answer.body);
              return undefined;
            },
          }),
          ...(onRefused && {
            onRefused: (decision: Deny, context: ExecutionContext) => onRefused(decision, context.switchToHttp().getRequest<{ readonly url: string }>().url),
          }),
        }),
      ],
      providers: routes.some(({ way }) => way !== undefined) ? [TokenwardGuard] : [],
      controllers: [controllerOf(routes, property), ...(receivers ? [receiverOf(receivers)] : [])],
    })
    class SuiteModule {}

    const app = await createApp(SuiteModule, platform, { http2, trustsProxies, tls });
    if (metadata) app.use(app.get<NestGuard>(guardToken()).metadata());
    if (cors) app.enableCors({ origin: 'https://app.example.test', exposedHeaders: ['www-authenticate', 'dpop-nonce'] });
    for (const { way } of routes) if (way !== undefined) prepareFor(way, app);
    return listen(app);
  };
}

function receiverOf({ backchannelLogout, sharedSignals }: SuiteReceivers): Type {
  @Public()
  @Controller()
  class ReceiverController {
    readonly #logout: MessageHandler;
    readonly #signals: MessageHandler;

    constructor(@Inject(guardToken()) guard: NestGuard) {
      this.#logout = guard.backchannelLogout(backchannelLogout);
      this.#signals = guard.sharedSignals(sharedSignals);
    }

    @Post(['backchannel-logout', 'parsed/backchannel-logout'])
    logout(@Req() request: object, @Res() response: object): Promise<void> {
      return this.#logout(request, response);
    }

    @Post('events')
    events(@Req() request: object, @Res() response: object): Promise<void> {
      return this.#signals(request, response);
    }
  }
  return ReceiverController;
}

const Context = createParamDecorator((_data: unknown, context: ExecutionContext) => context);

function controllerOf(routes: readonly SuiteRoute[], property = 'auth'): Type {
  class SuiteController {
    @Inject(guardToken()) readonly guard!: NestGuard;
  }

  routes.forEach(({ method, path, access, policies, way, answer }, index) => {
    const key = `route${index}`;

    async function handle(this: SuiteController, auth: Auth | undefined, context: ExecutionContext, response: Answering): Promise<unknown> {
      const request = context.switchToHttp().getRequest<{ params: Record<string, string>; body: unknown }>();
      if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and @CurrentAuth() differ`);
      if (access !== 'public' && getAuth(request, 'optional') !== auth) throw new Error('getAuth and @CurrentAuth() differ');
      const input: HandlerInput = {
        auth,
        getAuth: (optional) => getAuth(context, optional),
        ofGuard: (optional) => this.guard.getAuth(context, optional),
        params: request.params,
        body: request.body,
        permit: (permitted: Auth, policy: Policy) => this.guard.permit(permitted, policy, request),
      };
      const { status, headers = {}, body: answered, stream, refusal, cookies = [] } = answer(input);
      appendCookies(response, cookies);
      if (refusal) return this.guard.refuse(refusal, request);
      for (const [name, value] of Object.entries(headers)) response.header(name, value);
      response.status(status);
      return stream ? new StreamableFile(stream, { type: 'text/event-stream' }) : answered;
    }

    const decorators = [VERBS[method](path), HttpCode(200)];
    if (access === 'public') decorators.push(Public());
    if (access === 'optional') decorators.push(OptionalAuth());
    if (policies.length > 0) decorators.push(Policies(...(policies as Parameters<typeof Policies>)));
    const byHand = way === undefined ? undefined : decoratorOf(way);
    if (byHand) decorators.push(byHand);
    const parameters = [access === 'required' ? CurrentAuth() : CurrentAuth('optional'), Context(), Res({ passthrough: true })];

    Object.defineProperty(SuiteController.prototype, key, { value: handle, configurable: true, writable: true });
    parameters.forEach((parameter, at) => parameter(SuiteController.prototype, key, at));
    for (const decorate of decorators) decorate(SuiteController.prototype, key, Object.getOwnPropertyDescriptor(SuiteController.prototype, key)!);
  });
  Controller()(SuiteController);
  return SuiteController;
}
