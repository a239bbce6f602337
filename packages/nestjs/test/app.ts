import { Module, type DynamicModule, type INestApplication, type INestMicroservice, type Provider, type Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { TokenwardGuard, TokenwardModule, type NestGuardOptions } from '@tokenward/nestjs';
import { createTestIssuer, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { send, type Received, type Sent } from './exchange.js';
import { createApp, listen, type Platform } from './start-nest.js';
import type { SuiteTls } from '@tokenward/testing/adapter-suite';

/** An application of a test, with an issuer of its own. */
export interface World {
  readonly issuer: TestIssuer;
  start(parts: Parts): Promise<Started>;
  token(wanted?: TokenOptions): Promise<string>;
  close(): Promise<void>;
}

interface Parts {
  readonly controllers?: Type[];
  readonly providers?: Provider[];
  readonly imports?: (Type | DynamicModule)[];
  readonly options?: Partial<NestGuardOptions>;
  readonly platform?: Platform;
  readonly tls?: SuiteTls;
  /** Before it listens. */
  readonly prepare?: (app: INestApplication) => void | Promise<void>;
  /** Without `TokenwardModule`. */
  readonly unguarded?: boolean;
}

export interface Started {
  readonly app: INestApplication;
  readonly origin: string;
  ask(sent: Sent): Promise<Received>;
}

export async function createWorld(): Promise<World> {
  const issuer = await createTestIssuer();
  const closing: (() => Promise<void>)[] = [];

  return {
    issuer,
    token: (wanted) => issuer.issueToken(wanted),
    async start({ controllers = [], providers = [], imports = [], options = {}, platform = 'express', tls, prepare, unguarded = false }) {
      const own = unguarded ? [] : [TokenwardModule.forRoot({ issuer: issuer.issuer, audience: issuer.audience, ...options })];

      @Module({ imports: [...own, ...imports], controllers, providers })
      class TestedModule {}

      const app = await createApp(TestedModule, platform, { tls });
      try {
        await prepare?.(app);
        const { origin, close } = await listen(app);
        closing.push(close);
        return { app, origin, ask: (sent) => send(origin, sent) };
      } catch (error) {
        await app.close().catch(() => {});
        throw error;
      }
    },
    async close() {
      for (const close of closing) await close();
      await issuer.close();
    },
  };
}

/** A guard of the app that runs first, asks ours, does not wait for it, and admits everything. */
export interface HastyGuard {
  install(app: INestApplication | INestMicroservice): void;
  /** How many calls it has admitted. */
  admitted(): number;
}

export function guardInHaste(): HastyGuard {
  let admitted = 0;
  return {
    install(app) {
      const { config, applicationConfig = config } = app as { config?: ApplicationConfig; applicationConfig?: ApplicationConfig };
      applicationConfig!.getGlobalGuards().unshift({
        canActivate(context) {
          void app.get(TokenwardGuard).canActivate(context);
          admitted++;
          return true;
        },
      });
    },
    admitted: () => admitted,
  };
}
