import { Inject, Injectable, Optional, type CanActivate, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { GUARDS } from './guards.js';
import { assertNotServing } from './misuse.js';

/**
 * Stands where `@Public()` does, and refuses nothing. Where the module is missing, such handlers are the only trace of tokenward in an application
 * whose other handlers say nothing, since they need a token by default.
 */
@Injectable()
export class ModuleIsImported implements CanActivate, OnModuleInit {
  readonly #guards: object | undefined;
  readonly #module: ModuleRef;

  constructor(@Optional() @Inject(GUARDS) guards: object | undefined, @Inject(ModuleRef) module: ModuleRef) {
    this.#guards = guards;
    this.#module = module;
  }

  /** @throws ConfigurationError where an application serves without `TokenwardModule` */
  onModuleInit(): void {
    if (!this.#guards) assertNotServing(this.#module);
  }

  canActivate(): true {
    return true;
  }
}
