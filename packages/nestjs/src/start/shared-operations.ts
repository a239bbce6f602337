import { VersioningType, type Type } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { Handler } from '../rules/handlers.js';
import { groupBy } from './group-by.js';

/** Nest's metadata key for the version of a class or a method. */
const VERSION = '__version__';

/**
 * Returns a function that finds the handlers with the path and method of a given one, which comes first. They share a place in a document, and differ in their
 * version, unless paths contain it, or in the host of their controllers.
 */
export function sharingOf(handlers: readonly Handler[], config: ApplicationConfig): (handler: Handler, method: string) => readonly Handler[] {
  const byPlace = groupBy(handlers, ({ at }) => pathOf(at));
  const versioning = config.getVersioning();
  const isInPath = versioning?.type === VersioningType.URI;

  function versionsOf({ owner, key }: Handler): readonly unknown[] {
    const method = (owner.prototype as Record<string, object>)[key]!;
    return [Reflect.getMetadata(VERSION, method) ?? Reflect.getMetadata(VERSION, owner) ?? versioning?.defaultVersion].flat();
  }

  return (handler, method) => {
    const places = handlers.filter((one) => isSame(one, handler) && serves(one, method));
    const there = places.flatMap(({ at }) => byPlace.get(pathOf(at)) ?? []).filter((one) => serves(one, method));
    const versions = versionsOf(handler);
    const others = there.filter((one) => !isSame(one, handler) && (!isInPath || versionsOf(one).some((version) => versions.includes(version))));
    return [handler, ...new Map(others.map((one) => [one.name, one])).values()];
  };
}

function isSame(one: { readonly owner: Type; readonly key: string }, other: { readonly owner: Type; readonly key: string }): boolean {
  return one.owner === other.owner && one.key === other.key;
}

function pathOf(at: string): string {
  return at.slice(at.indexOf(' ') + 1);
}

function serves({ at }: Handler, method: string): boolean {
  const verb = at.slice(0, at.indexOf(' '));
  return verb === 'ALL' || verb.toLowerCase() === method;
}
