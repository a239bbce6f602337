import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata, status, type Client, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, GrpcStreamMethod, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { map, of, type Observable } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CurrentAuth, OptionalAuth, Public, Scopes, TokenwardModule, type NestGuardOptions } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';
import { freePort } from '../../testing/test/free-port.js';

let world: World;
let orders: OrdersClient;
const closing: (() => Promise<void>)[] = [];

const packageDefinition = loadSync(join(import.meta.dirname, 'orders.proto'));

beforeAll(async () => {
  world = await createWorld();
  orders = await start({ issuer: world.issuer.issuer, audience: world.issuer.audience });
});
afterAll(async () => {
  for (const close of closing) await close();
  await world.close();
});

@Controller()
class OrdersController {
  @GrpcMethod('Orders', 'Me')
  me(_data: unknown, _metadata: unknown, _call: unknown, @CurrentAuth('subject') subject?: string) {
    return { subject };
  }

  @GrpcMethod('Orders', 'Maybe')
  @OptionalAuth()
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined) {
    return { subject: subject ?? 'nobody' };
  }

  @GrpcMethod('Orders', 'Health')
  @Public()
  health() {
    return { subject: 'open' };
  }

  @GrpcMethod('Orders', 'Scoped')
  @Scopes('orders:read')
  scoped() {
    return { subject: 'scoped' };
  }

  @GrpcMethod('Orders', 'Ticks')
  ticks(@CurrentAuth('subject') subject: string) {
    return of({ subject }, { subject });
  }

  @GrpcStreamMethod('Orders', 'Echo')
  echo(said: Observable<{ subject: string }>) {
    return said.pipe(map(({ subject }) => ({ subject: `echo of ${subject}` })));
  }
}

async function start(options: NestGuardOptions): Promise<OrdersClient> {
  @Module({
    imports: [
      TokenwardModule.forRoot({
        rpcAuthorization: (context) => context.switchToRpc().getContext<Metadata>().get('authorization')[0]?.toString(),
        ...options,
      }),
    ],
    controllers: [OrdersController],
  })
  class OrdersModule {}

  const url = `127.0.0.1:${await freePort()}`;
  const app: INestMicroservice = await NestFactory.createMicroservice<MicroserviceOptions>(OrdersModule, {
    transport: Transport.GRPC,
    options: { url, package: 'orders', packageDefinition },
    logger: false,
    abortOnError: false,
  });
  await app.listen();
  const { Orders } = loadPackageDefinition(packageDefinition)['orders'] as unknown as { Orders: new (...given: unknown[]) => OrdersClient };
  const client = new Orders(url, credentials.createInsecure());
  closing.push(async () => {
    client.close();
    await app.close();
  });
  return client;
}

interface Subject {
  readonly subject: string;
}
type Unary = (data: object, metadata: Metadata, options: object, done: (error: ServiceError | null, answer: Subject) => void) => void;
interface OrdersClient extends Client {
  readonly me: Unary;
  readonly maybe: Unary;
  readonly health: Unary;
  readonly scoped: Unary;
  ticks(data: object, metadata: Metadata, options: object): ClientReadableStream<Subject>;
  echo(metadata: Metadata, options: object): ClientReadableStream<Subject> & { write(data: Subject): void; end(): void };
}

const soon = () => ({ deadline: Date.now() + 5000 });

function shown(authorization?: string): Metadata {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  return metadata;
}

function ask(client: OrdersClient, method: 'me' | 'maybe' | 'health' | 'scoped', authorization?: string): Promise<Subject> {
  return new Promise((resolve, reject) => {
    client[method]({}, shown(authorization), soon(), (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function answersOf(stream: ClientReadableStream<Subject>): Promise<string[]> {
  const answers: string[] = [];
  for await (const { subject } of stream as AsyncIterable<Subject>) answers.push(subject);
  return answers;
}

test('rule 146: over gRPC, requires of a method what its decorators say, or a token without any', async () => {
  const token = `Bearer ${await world.token()}`;
  expect(await ask(orders, 'me', token)).toEqual({ subject: 'user-1' });
  expect(await ask(orders, 'scoped', `Bearer ${await world.token({ scopes: ['orders:read'] })}`)).toEqual({ subject: 'scoped' });
  expect(await ask(orders, 'health', 'Bearer bad')).toEqual({ subject: 'open' });
  expect(await ask(orders, 'maybe')).toEqual({ subject: 'nobody' });
  expect(await ask(orders, 'maybe', token)).toEqual({ subject: 'user-1' });
});

test('rule 146: a refusal has a gRPC status, and the same fixed texts as over HTTP', async () => {
  const token = `Bearer ${await world.token()}`;
  await expect(ask(orders, 'me')).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: 'This resource needs an access token' });
  await expect(ask(orders, 'me', 'Bearer bad')).rejects.toMatchObject({ code: status.UNAUTHENTICATED, details: expect.stringMatching(/access token/) });
  await expect(ask(orders, 'maybe', 'Bearer bad')).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  await expect(ask(orders, 'scoped', token)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  await expect(ask(orders, 'me', `${token}, ${token}`)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  expect([status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.INVALID_ARGUMENT]).toEqual([16, 7, 3]);
});

test('answers UNAVAILABLE while the keys cannot be fetched', async () => {
  const gone = await createWorld();
  const token = `Bearer ${await gone.token()}`;
  const { issuer, audience } = gone.issuer;
  await gone.close();
  await expect(ask(await start({ issuer, audience }), 'me', token)).rejects.toMatchObject({ code: status.UNAVAILABLE });
});

test('rule 146: refuses streams before they begin, with the same statuses', async () => {
  const token = `Bearer ${await world.token()}`;
  await expect(answersOf(orders.ticks({}, shown(), soon()))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  expect(await answersOf(orders.ticks({}, shown(token), soon()))).toEqual(['user-1', 'user-1']);

  function echo(authorization?: string): Promise<string[]> {
    const stream = orders.echo(shown(authorization), soon());
    stream.write({ subject: 'a' });
    stream.end();
    return answersOf(stream);
  }

  await expect(echo('Bearer bad')).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  expect(await echo(token)).toEqual(['echo of a']);
});
