import 'reflect-metadata';
import type { Server } from 'node:http';
import { Controller, Get, Module, type INestApplication, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** The platform that Nest runs on. */
export type Platform = 'express' | 'fastify';

/** Creates an app whose only route is `GET /me`. Node does not run decorators, so they are called as functions. */
export async function createNestApp(platform: Platform, me: Type<MeController>, metadata: ModuleMetadata = {}): Promise<INestApplication<Server>> {
  // oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module
  class AppModule {}

  Get('me')(me.prototype as object, 'me', Object.getOwnPropertyDescriptor(me.prototype, 'me')!);
  Controller()(me);
  Module({ ...metadata, controllers: [me] })(AppModule);
  return NestFactory.create(AppModule, platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), { logger: ['error', 'warn'] });
}

interface MeController {
  me(...given: never[]): unknown;
}
