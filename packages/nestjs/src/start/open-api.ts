import { Logger, RequestMethod } from '@nestjs/common';
import { necessaryScopes } from '@tokenward/core/adapter';
import type { Engine } from '../engine/engine.js';
import type { Handler } from '../rules/handlers.js';

/**
 * Adds the requirements and refusals of one guard's handlers to the OpenAPI document, if @nestjs/swagger is installed. A handler's own swagger decorators for
 * security and for these responses take precedence.
 *
 * @param handlers the handlers of all guards
 */
export async function describeInOpenApi(handlers: readonly Handler[], name: string, { leaveUnmarkedHandlersOpen, openApiScheme }: Engine): Promise<void> {
  const own = handlers.filter(({ rule }) => rule.guard === name);
  for (const handler of own) startAnew(functionOf(handler));
  const guarded = own.filter(({ rule }) => rule.requirements && (rule.marked || !leaveUnmarkedHandlersOpen));
  const swagger = guarded.length > 0 ? await import('@nestjs/swagger').catch(() => undefined) : undefined;
  if (!swagger) return;
  const { ApiResponse, ApiSecurity } = swagger;
  nameSchemes(swagger.SwaggerModule);
  for (const handler of guarded) {
    const { owner, key, rule } = handler;
    const { descriptor, prototype } = methodOf(owner.prototype as object, key);
    const method = descriptor.value as object;
    if (handlers.some((other) => isDifferent(other, handler))) continue;
    const { credentials, policy } = rule.requirements!;
    if (!Reflect.hasMetadata(SECURITY, method) && !Reflect.hasMetadata(SECURITY, owner)) {
      if (credentials === 'optional') ApiSecurity({})(prototype, key, descriptor);
      // OpenAPI cannot express alternatives among scopes: the description of the 403 names them
      ApiSecurity(openApiScheme, policy ? [...necessaryScopes(policy)] : [])(prototype, key, descriptor);
    }
    const said = Reflect.getMetadata(RESPONSES, method) as Record<string, unknown> | undefined;
    if (!said) ApiResponse(successOf(prototype, key, method))(prototype, key, descriptor);
    if (!said?.['401']) ApiResponse({ status: 401, description: 'The access token is missing or not valid' })(prototype, key, descriptor);
    if (policy && !said?.['403'])
      ApiResponse({ status: 403, description: `The access token does not meet the requirements: ${String(policy)}` })(prototype, key, descriptor);
  }
}

/** The security scheme of handlers if `openApiScheme` is not set. A name from `openApiScheme` is never changed. */
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
 * Has documents refer to a security scheme that they define. `DocumentBuilder` defines the schemes, after the handlers were described, and most tutorials write
 * `addBearerAuth()`, whose scheme is named `bearer`.
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
      ? 'several that could take its place. Name one in openApiScheme'
      : 'none that could take its place. Write new DocumentBuilder().addOAuth2(...) or .addBearerAuth()';
    new Logger('Tokenward').warn(`The OpenAPI document has no security scheme "${wanted}", which its operations refer to, and ${which}`);
    return;
  }
  const [name, { type }] = found;
  for (const operation of demanding) {
    operation.security = operation.security!.map((requirement) => renamed(requirement, wanted, name, type === 'http'));
  }
}

/** In OpenAPI 3.0, only schemes of OAuth and OpenID Connect have scopes. */
function renamed(requirement: Requirement, from: string, to: string, withoutScopes: boolean): Requirement {
  return Object.fromEntries(Object.entries(requirement).map(([name, scopes]) => (name === from ? [to, withoutScopes ? [] : scopes] : [name, scopes])));
}

function isBearer(type: string | undefined, scheme: string | undefined): boolean {
  return type === 'http' && scheme?.toLowerCase() === 'bearer';
}

const SECURITY = 'swagger/apiSecurity';
const RESPONSES = 'swagger/apiResponse';
const BEFORE = Symbol.for('tokenward.open-api');

/** Whether another class inherits the method with other requirements. Swagger's metadata is on the function, so nothing it could say fits both. */
function isDifferent(other: Handler, handler: Handler): boolean {
  if (functionOf(other) !== functionOf(handler)) return false;
  const [one, another] = [other.rule, handler.rule];
  return (
    one.guard !== another.guard ||
    one.requirements?.credentials !== another.requirements?.credentials ||
    String(one.requirements?.policy) !== String(another.requirements?.policy)
  );
}

function functionOf({ owner, key }: Handler): object {
  return methodOf(owner.prototype as object, key).descriptor.value as object;
}

/** Removes what an earlier application in this process wrote on the method. */
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

/** Returns the response that swagger documents by default. It stops doing so once a method has a response. Its compiler plugin knows the type. */
function successOf(prototype: object, key: string, method: object): { status: number } {
  const { _OPENAPI_METADATA_FACTORY: factory } = prototype.constructor as { _OPENAPI_METADATA_FACTORY?: () => Record<string, object> };
  const isPost = Reflect.getMetadata('method', method) === RequestMethod.POST;
  const status = (Reflect.getMetadata('__httpCode__', method) as number | undefined) ?? (isPost ? 201 : 200);
  return { status, ...factory?.()[key] };
}

/** Returns the method's descriptor, with the class that declares it. */
function methodOf(prototype: object, key: string): { prototype: object; descriptor: PropertyDescriptor } {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
  return descriptor ? { prototype, descriptor } : methodOf(Object.getPrototypeOf(prototype) as object, key);
}
