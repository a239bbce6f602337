import { Body, Controller, Delete, Get, HttpCode, Inject, Module, Param, Post, Put, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  acr,
  anyOf,
  CurrentAuth,
  guardToken,
  maxAge,
  OptionalAuth,
  Public,
  Require,
  role,
  Roles,
  Scopes,
  scope,
  TokenwardModule,
  type Auth,
  type MessageHandler,
  type NestGuard,
} from '@tokenward/nestjs';
import { closeStores, logout, options } from './settings.js';

interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
}

const orders: Order[] = [{ id: '1', item: 'tea', quantity: 2 }];

@Controller()
class ApiController {
  @Get('public')
  @Public()
  public() {
    return { public: true };
  }

  @Get('optional')
  @OptionalAuth()
  optional(@CurrentAuth('optional') auth: Auth | undefined) {
    return { subject: auth?.subject ?? null };
  }

  @Get('me')
  me(@CurrentAuth() { subject, issuer, clientId, scopes, roles }: Auth) {
    return { subject, issuer, clientId: clientId ?? null, scopes, roles };
  }

  @Get('reports')
  @Require(anyOf(scope('reports:read'), role('auditor', 'finance')))
  reports() {
    return [{ month: '2026-10', orders: orders.length }];
  }

  @Put('payout')
  @Require(scope('payout'), acr('urn:example:mfa'), maxAge(300))
  payout() {
    return { paid: true };
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  @Scopes('orders:read')
  list() {
    return orders;
  }

  @Post()
  @Scopes('orders:write')
  create(@Body() body: Omit<Order, 'id'>) {
    const order = { ...body, id: String(orders.length + 1) };
    orders.push(order);
    return order;
  }

  @Delete(':id')
  @Roles('admin')
  @HttpCode(204)
  remove(@Param('id') id: string) {
    const at = orders.findIndex((order) => order.id === id);
    if (at >= 0) orders.splice(at, 1);
  }
}

@Controller('backchannel-logout')
@Public()
class LogoutController {
  readonly #receive: MessageHandler;

  constructor(@Inject(guardToken()) guard: NestGuard) {
    this.#receive = guard.backchannelLogout(logout!);
  }

  @Post()
  receive(@Req() request: object, @Res() response: object) {
    return this.#receive(request, response);
  }
}

@Module({
  imports: [TokenwardModule.forRoot(options)],
  controllers: [ApiController, OrdersController, ...(logout ? [LogoutController] : [])],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'], forceCloseConnections: true });
const guard = app.get<NestGuard>(guardToken());
app.use(guard.metadata()); // tells clients where to get tokens (RFC 9728)
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
console.log(`listening on ${await app.getUrl()}`);

process.once('SIGTERM', () => void app.close().then(closeStores));
