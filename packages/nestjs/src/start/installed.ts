import { ADMITS_ALL } from '../rules/marks.js';
import { Inject, Injectable, Optional, type CanActivate, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { GUARDS } from './guards.js';
import { assertNotServing } from './misuse.js';

/**
 * A guard that `@Public()` adds, and that refuses nothing. It notices a missing `TokenwardModule`: handlers need a token by default, so in an application
 * without the module, `@Public()` may be the only trace of tokenward.
 */
@Injectable()
export class ModuleIsImported implements CanActivate, OnModuleInit {
  static readonly [ADMITS_ALL] = true;
  readonly #guards: object | undefined;
  readonly #module: ModuleRef;

  constructor(@Optional() @Inject(GUARDS) guards: object | undefined, @Inject(ModuleRef) module: ModuleRef) {
    this.#guards = guards;
    this.#module = module;
  }

  /** @throws ConfigurationError if an application serves requests without `TokenwardModule` */
  onModuleInit(): void {
    if (!this.#guards) assertNotServing(this.#module);
  }

  canActivate(): true {
    return true;
  }
}
