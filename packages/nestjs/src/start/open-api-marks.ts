import { necessaryScopes, type OpenApiRequirement } from '@tokenward/core/adapter';
import type { Type } from '@nestjs/common';
import type { Handler } from '../rules/handlers.js';
import { groupBy } from './group-by.js';

/** The metadata key of @nestjs/swagger for security requirements. */
const SECURITY = 'swagger/apiSecurity';
/** The metadata key for what a method itself declared. */
const BEFORE = Symbol.for('tokenward.open-api');

const OWNER = 'tokenward.owner.';
const KEY = 'tokenward.key.';

let marked: readonly Type[] = [];

/**
 * Marks the handlers while @nestjs/swagger reads them: several classes may inherit one method, and nothing in a document says whose method an operation is. A
 * mark is a security requirement, since swagger combines those of the class and the method.
 */
export function markHandlers(handlers: readonly Handler[]): { remove(): void } {
  const undo: (() => void)[] = [];
  marked = [...new Set(handlers.map(({ owner }) => owner))];
  for (const [index, owner] of marked.entries()) {
    undo.push(replace(owner, [...requirementsOf(Reflect.getMetadata(SECURITY, owner)), { [`${OWNER}${index}`]: [] }]));
  }
  for (const [method, key] of new Map(handlers.map((handler) => [functionOf(handler), handler.key]))) {
    undo.push(replace(method, [...requirementsOf(saidBy(method)), { [`${KEY}${key}`]: [] }]));
  }
  return {
    remove() {
      for (const one of undo.toReversed()) one();
    },
  };
}

/** Removes the marks of an operation, and returns whose method it is. */
export function takeMark(operation: { security?: readonly OpenApiRequirement[] | undefined }): { readonly owner: Type; readonly key: string } | undefined {
  const names = (operation.security ?? []).flatMap((one) => Object.keys(one));
  const owner = names.find((name) => name.startsWith(OWNER));
  const key = names.find((name) => name.startsWith(KEY));
  if (owner === undefined && key === undefined) return undefined;
  const own = operation.security!.filter((one) => !Object.keys(one).some((name) => name === owner || name === key));
  if (own.length > 0) operation.security = own;
  else delete operation.security;
  const found = owner === undefined ? undefined : marked[Number(owner.slice(OWNER.length))];
  return found && key !== undefined ? { owner: found, key: key.slice(KEY.length) } : undefined;
}

/**
 * Writes a requirement on every guarded method, for documents that something else than `SwaggerModule.createDocument` makes, or that it makes by a reference
 * that was taken before the application was created. So no protected handler looks open there either.
 */
export function requireTokens(handlers: readonly Handler[], isOpen: (handler: Handler) => boolean, scheme: (guard: string) => string): void {
  const byMethod = groupBy(handlers, functionOf);
  for (const [method, own] of byMethod) {
    const before = saidBy(method);
    restore(method, before);
    const guarded = own.filter((handler) => !isOpen(handler));
    if (before !== undefined || guarded.length === 0 || own.some(({ owner }) => Reflect.hasMetadata(SECURITY, owner))) continue;
    const [first] = guarded;
    const isSame = own.every(({ rule }) => String(rule.requirements?.policy) === String(first!.rule.requirements?.policy));
    const policy = isSame ? first!.rule.requirements?.policy : undefined;
    const requirement = { [scheme(first!.rule.guard)]: policy ? [...necessaryScopes(policy)] : [] };
    const isOptional = guarded.every(({ rule }) => rule.requirements?.credentials === 'optional');
    Reflect.defineMetadata(SECURITY, isOptional ? [{}, requirement] : [requirement], method);
  }
}

/** Returns what a method said before an application in this process wrote on it. */
function saidBy(method: object): unknown {
  if (!Reflect.hasOwnMetadata(BEFORE, method)) Reflect.defineMetadata(BEFORE, Reflect.getOwnMetadata(SECURITY, method), method);
  return Reflect.getOwnMetadata(BEFORE, method);
}

function requirementsOf(said: unknown): readonly OpenApiRequirement[] {
  return Array.isArray(said) ? (said as readonly OpenApiRequirement[]) : [];
}

function replace(target: object, requirements: readonly OpenApiRequirement[]): () => void {
  const before: unknown = Reflect.getOwnMetadata(SECURITY, target);
  Reflect.defineMetadata(SECURITY, requirements, target);
  return () => restore(target, before);
}

function restore(target: object, before: unknown): void {
  if (before === undefined) Reflect.deleteMetadata(SECURITY, target);
  else Reflect.defineMetadata(SECURITY, before, target);
}

function functionOf({ owner, key }: Handler): object {
  return (owner.prototype as Record<string, object>)[key]!;
}
