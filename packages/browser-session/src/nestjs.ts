/**
 * Browser sessions for NestJS, on Express and on Fastify.
 *
 * @module
 */
export * from './index.js';
export { BROWSER_SESSION, BrowserSessionModule, type BrowserSessionModuleAsyncOptions, type BrowserSessionModuleOptions } from './nestjs/module.js';
export { createBrowserSession, type NestBrowserSession, type NestMiddleware } from './nestjs/nest-session.js';
