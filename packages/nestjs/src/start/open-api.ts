import { Logger, RequestMethod } from '@nestjs/common';
import { necessaryScopes } from '@tokenward/core/adapter';
import type { Engine } from '../engine/engine.js';
import type { Handler } from '../rules/handlers.js';

/**
 * Adds to the OpenAPI document what the handlers of one guard need and how they refuse, where @nestjs/swagger is installed. What a handler's
 * own decorators of swagger say of its security or of these answers stays.
 *
 * @param handlers those of all guards
 */
export async function describeInOpenApi(handlers: readonly Handler[], name: string, { leaveUnmarkedHandlersOpen, openApiScheme }: Engine): Promise<void> {
  const own = handlers.filter(({ rule }) => rule.guard === name);
  for (const handler of own) startAnew(functionOf(handler));
  const guarded = own.filter(({ rule }) => rule.access && (rule.marked || !leaveUnmarkedHandlersOpen));
  const swagger = guarded.length > 0 ? await import('@nestjs/swagger').catch(() => undefined) : undefined;
  if (!swagger) return;
  const { ApiResponse, ApiSecurity } = swagger;
  nameSchemes(swagger.SwaggerModule);
  for (const handler of guarded) {
    const { owner, key, rule } = handler;
    const { descriptor, prototype } = methodOf(owner.prototype as object, key);
    const method = descriptor.value as object;
    if (handlers.some((other) => isDifferent(other, handler))) continue;
    const { credentials, policy } = rule.access!;
    if (!Reflect.hasMetadata(SECURITY, method) && !Reflect.hasMetadata(SECURITY, owner)) {
      if (credentials === 'optional') ApiSecurity({})(prototype, key, descriptor);
      // OpenAPI can only ask for all of some scopes: of alternatives the 403's words tell
      ApiSecurity(openApiScheme, policy ? [...necessaryScopes(policy)] : [])(prototype, key, descriptor);
    }
    const said = Reflect.getMetadata(RESPONSES, method) as Record<string, unknown> | undefined;
    if (!said) ApiResponse(successOf(prototype, key, method))(prototype, key, descriptor);
    if (!said?.['401']) ApiResponse({ status: 401, description: 'No access token, or one that is not valid' })(prototype, key, descriptor);
    if (policy && !said?.['403'])
      ApiResponse({ status: 403, description: `The access token lacks what is needed: ${String(policy)}` })(prototype, key, descriptor);
  }
}

/** What handlers demand where `openApiScheme` says nothing. A name that it gives is the user's, and stays. */
const DEFAULT_SCHEME = 'oauth2';

interface Described {
  readonly components?: { readonly securitySchemes?: Readonly<Record<string, { readonly type?: string; readonly scheme?: string }>> } | undefined;
  readonly paths: Readonly<Record<string, object>>;
}
type Requirement = Readonly<Record<string, readonly string[]>>;

interface Operation {
  security?: readonly Requirement[];
}
type CreateDocument = (...given: never[]) => Described;

const NAMED = Symbol.for('tokenward.open-api.named');

/**
 * Has documents demand a scheme that they have. Which ones those are is said by `DocumentBuilder`, after the handlers were described: most
 * tutorials write `addBearerAuth()`, whose scheme is called `bearer`.
 */
function nameSchemes(module: { createDocument: unknown }): void {
  const create = module.createDocument as CreateDocument & { [NAMED]?: true };
  if (create[NAMED]) return;
  function createNamed(...given: never[]): Described {
    const document = create.apply(module, given);
    nameScheme(document, DEFAULT_SCHEME);
    return document;
  }

  createNamed[NAMED] = true as const;
  module.createDocument = createNamed;
}

function nameScheme({ components, paths }: Described, wanted: string): void {
  const known = components?.securitySchemes ?? {};
  if (Object.hasOwn(known, wanted)) return;
  const operations = Object.values(paths).flatMap((path) => Object.values(path) as Operation[]);
  const demanding = operations.filter(({ security }) => security?.some((one) => Object.hasOwn(one, wanted)));
  if (demanding.length === 0) return;
  const [found, another] = Object.entries(known).filter(([, { type, scheme }]) => type === 'oauth2' || type === 'openIdConnect' || isBearer(type, scheme));
  if (!found || another) {
    const which = another
      ? 'several that would do: name one in openApiScheme'
      : 'none that would do: write new DocumentBuilder().addOAuth2(...) or .addBearerAuth()';
    new Logger('Tokenward').warn(`The OpenAPI document has no security scheme "${wanted}", which its operations demand, and ${which}`);
    return;
  }
  const [name, { type }] = found;
  for (const operation of demanding) {
    operation.security = operation.security!.map((requirement) => renamed(requirement, wanted, name, type === 'http'));
  }
}

/** OpenAPI 3.0: schemes other than those of OAuth and OpenID Connect have no scopes. */
function renamed(requirement: Requirement, from: string, to: string, withoutScopes: boolean): Requirement {
  return Object.fromEntries(Object.entries(requirement).map(([name, scopes]) => (name === from ? [to, withoutScopes ? [] : scopes] : [name, scopes])));
}

function isBearer(type: string | undefined, scheme: string | undefined): boolean {
  return type === 'http' && scheme?.toLowerCase() === 'bearer';
}

const SECURITY = 'swagger/apiSecurity';
const RESPONSES = 'swagger/apiResponse';
const BEFORE = Symbol.for('tokenward.open-api');

/** What swagger knows of a method is kept on its function: nothing right can be said of one that classes with other needs inherit. */
function isDifferent(other: Handler, handler: Handler): boolean {
  if (functionOf(other) !== functionOf(handler)) return false;
  const [one, another] = [other.rule, handler.rule];
  return (
    one.guard !== another.guard || one.access?.credentials !== another.access?.credentials || String(one.access?.policy) !== String(another.access?.policy)
  );
}

function functionOf({ owner, key }: Handler): object {
  return methodOf(owner.prototype as object, key).descriptor.value as object;
}

/** Forgets what an application that was made before this one said. */
function startAnew(method: object): void {
  const before = Reflect.getOwnMetadata(BEFORE, method) as readonly unknown[] | undefined;
  if (!before)
    return Reflect.defineMetadata(
      BEFORE,
      [SECURITY, RESPONSES].map((name) => Reflect.getOwnMetadata(name, method) as unknown),
      method,
    );
  for (const [index, name] of [SECURITY, RESPONSES].entries()) {
    if (before[index] === undefined) Reflect.deleteMetadata(name, method);
    else Reflect.defineMetadata(name, before[index], method);
  }
}

/** What swagger says of a method that says nothing of its answers: nothing of the kind, once there is one. Its compiler plugin knows their type. */
function successOf(prototype: object, key: string, method: object): { status: number } {
  const { _OPENAPI_METADATA_FACTORY: factory } = prototype.constructor as { _OPENAPI_METADATA_FACTORY?: () => Record<string, object> };
  const isPost = Reflect.getMetadata('method', method) === RequestMethod.POST;
  const status = (Reflect.getMetadata('__httpCode__', method) as number | undefined) ?? (isPost ? 201 : 200);
  return { status, ...factory?.()[key] };
}

/** The method as it stands on the class, or on one that it extends. */
function methodOf(prototype: object, key: string): { prototype: object; descriptor: PropertyDescriptor } {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  return descriptor ? { prototype, descriptor } : methodOf(Object.getPrototypeOf(prototype) as object, key);
}
