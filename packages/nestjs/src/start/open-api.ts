import { Logger } from '@nestjs/common';
import {
  definedSchemes,
  eitherAccess,
  freeProblemName,
  isOpen,
  namedOperations,
  operationsOf,
  tokenSchemes,
  versionOf,
  writeAccess,
  writeComponents,
  type WrittenAccess,
  type WrittenDocument,
  type WrittenOperation,
  type OpenApiAccess,
  type OpenApiDescription,
} from '@tokenward/core/adapter';
import type { Engine } from '../engine/engine.js';
import type { Handler } from '../rules/handlers.js';
import { ADMITS_ALL, isGuard } from '../rules/marks.js';
import { DEFAULT_GUARD } from '../rules/rule.js';
import { markHandlers, takeMark } from './open-api-marks.js';

/** The handlers of an application, and its guards by name. */
export interface DocumentedApplication {
  readonly handlers: readonly Handler[];
  readonly engines: ReadonlyMap<string, Engine>;
  /** Returns the handlers that share a handler's place in a document: a version or a host that the path does not contain decides between them. */
  sharing(handler: Handler, method: string): readonly Handler[];
}

type CreateDocument = (app: object, ...given: unknown[]) => WrittenDocument;

const WRAPPED = Symbol.for('tokenward.open-api.wrapped');

/**
 * Makes @nestjs/swagger, if it is installed, describe what each handler of an application with a guard requires.
 *
 * @param applicationOf returns undefined for an application without a guard
 */
export async function describeInOpenApi(applicationOf: (app: object) => DocumentedApplication | undefined): Promise<void> {
  const swagger = await import('@nestjs/swagger').catch(() => undefined);
  if (!swagger) return;
  const module = swagger.SwaggerModule as unknown as { createDocument: CreateDocument & { [WRAPPED]?: true } };
  const create = module.createDocument;
  if (create[WRAPPED]) return;
  function createDescribed(app: object, ...given: unknown[]): WrittenDocument {
    const application = applicationOf(app);
    if (!application) return create.call(module, app, ...given);
    const marks = markHandlers(application.handlers);
    let document: WrittenDocument;
    try {
      document = create.call(module, app, ...given);
    } finally {
      marks.remove();
    }
    describe(document, application);
    return document;
  }

  createDescribed[WRAPPED] = true as const;
  module.createDocument = createDescribed;
}

function describe(document: WrittenDocument, { handlers, engines, sharing }: DocumentedApplication): void {
  if (engines.size === 0) return;
  const own = definedSchemes(document);
  const descriptions = new Map<string, OpenApiDescription>();
  const version = versionOf(document.openapi);
  const problemSchemaName = freeProblemName(document);

  function descriptionOf(name: string): OpenApiDescription {
    let description = descriptions.get(name);
    if (!description) {
      const engine = engines.get(name) ?? [...engines.values()][0]!;
      descriptions.set(name, (description = engine.openApi({ version, scheme: schemeOf(name, engine, own), securitySchemes: own, problemSchemaName })));
    }
    return description;
  }

  function accessOf({ rule }: Handler): WrittenAccess {
    const isUnmarkedAndOpen = !rule.marked && engines.get(rule.guard)?.leaveUnmarkedHandlersOpen === true;
    if (!rule.requirements || isUnmarkedAndOpen) return 'open';
    const { policy, credentials } = rule.requirements;
    return descriptionOf(rule.guard).operation(policy ?? [], credentials);
  }

  for (const { method, operation } of namedOperations(document)) {
    const mark = takeMark(operation);
    const handler = mark && handlers.find(({ owner, key }) => owner === mark.owner && key === mark.key);
    // the global guard decides for whatever handler there is
    const access = handler ? eitherAccess(sharing(handler, method).map(accessOf)) : descriptionOf(DEFAULT_GUARD).operation();
    if (access !== 'open') write(operation, access, handler?.name);
    // a requirement of the document applies to every operation that says nothing else
    else if (handler!.rule.marked && !hasOtherGuards(handler!) && operation.security === undefined && document.security && !isOpen(document.security))
      operation.security = [];
  }
  // requests that this API sends
  for (const operation of operationsOf({ paths: document.webhooks })) takeMark(operation);
  for (const description of descriptions.values()) writeComponents(document, description.components());
  if (descriptions.size > 0) warnOfChoice(own, engines);
}

function write(operation: WrittenOperation, access: OpenApiAccess, name = 'A handler'): void {
  if (!writeAccess(operation, access)) return;
  new Logger('Tokenward').warn(`${name} needs a token, and its swagger decorators say that it needs none. The OpenAPI document shows what the guard needs`);
}

/** Each guard has a scheme of its own, unless the document defines one for all. */
function schemeOf(name: string, { openApiScheme }: Engine, own: Readonly<Record<string, object>>): string | undefined {
  if (openApiScheme !== undefined || name === DEFAULT_GUARD || tokenSchemes(own).length === 1 || tokenSchemes(own).includes('oauth2')) return openApiScheme;
  return `oauth2.${name.replace(/[^A-Za-z0-9._-]/g, '_')}`;
}

function warnOfChoice(own: Readonly<Record<string, object>>, engines: ReadonlyMap<string, Engine>): void {
  const fitting = tokenSchemes(own);
  if (fitting.length < 2 || fitting.includes('oauth2') || [...engines.values()].every(({ openApiScheme }) => openApiScheme !== undefined)) return;
  new Logger('Tokenward').warn(
    `The OpenAPI document has several security schemes for tokens (${fitting.join(', ')}), and nothing says which of them is that of the guard. Name it in openApiScheme`,
  );
}

/** Whether a public handler has guards of its own, which may need other credentials. */
function hasOtherGuards({ owner, key }: Handler): boolean {
  const method = (owner.prototype as Record<string, object>)[key]!;
  return [owner, method].some((at) => {
    const guards: unknown = Reflect.getMetadata('__guards__', at);
    return Array.isArray(guards) && guards.some((one) => !isGuard([one]) && !(typeof one === 'function' && ADMITS_ALL in one));
  });
}
