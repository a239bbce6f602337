import type { FastifySchema, RouteOptions } from 'fastify';
import { ConfigurationError, policy, type Policy } from '@tokenward/core';
import {
  definedSchemes,
  eitherAccess,
  freeProblemName,
  isOpen,
  namedOperations,
  OptionReader,
  versionOf,
  writeAccess,
  writeComponents,
  type WrittenAccess,
  type WrittenDocument,
  type WrittenOperation,
  type OpenApiAccess,
  type OpenApiDescription,
  type OpenApiOptions,
} from '@tokenward/core/adapter';
import { demandsOn, type Demands, type DocumentedGuard } from './route-demands.js';
import { isReceiver } from './route-rules.js';

/** How `app.guard.swagger()` describes the routes. */
export interface SwaggerOptions extends Omit<OpenApiOptions, 'version' | 'securitySchemes'> {
  /** Your own `transform` of @fastify/swagger, which runs first. */
  readonly transform?: ((input: never) => { readonly schema: unknown; readonly url: string }) | undefined;
  /** Your own `transformObject` of @fastify/swagger, which runs last. */
  readonly transformObject?: ((input: never) => object) | undefined;
  /**
   * Documents routes without a guard and without a rule as open. Set it only if none of your hooks and handlers calls a guard itself, since the document
   * cannot see that. Default: they are documented as if they needed a token; `config: { tokenward: 'public' }` makes a route open.
   */
  readonly routesWithoutGuardAreOpen?: boolean | undefined;
}

/** Options for @fastify/swagger. */
export interface SwaggerTransforms {
  transform(this: void, input: SwaggerRoute): { schema: FastifySchema; url: string };
  transformObject(this: void, input: { readonly openapiObject?: object; readonly swaggerObject?: object }): object;
}

/** What @fastify/swagger passes for each route. */
export interface SwaggerRoute {
  readonly schema: FastifySchema;
  readonly url: string;
  readonly route: RouteOptions;
  readonly openapiObject?: object;
  readonly swaggerObject?: object;
}

type Transform = (input: object) => { readonly schema: FastifySchema | undefined; readonly url: string };

/** Marks an operation with the index of its route in `found`, until the document is complete. */
const MARK = 'x-tokenward-access';

/** @throws ConfigurationError that lists all invalid options */
export function swaggerTransforms(main: DocumentedGuard, options: SwaggerOptions): SwaggerTransforms {
  const { transform, transformObject, routesWithoutGuardAreOpen, ...settings } = options;
  const reader = new OptionReader({ transform, transformObject, routesWithoutGuardAreOpen }, ['transform', 'transformObject', 'routesWithoutGuardAreOpen']);
  const [before, after] = [reader.fn<Transform>('transform'), reader.fn<(input: object) => object>('transformObject')];
  const areOpen = reader.flag('routesWithoutGuardAreOpen');
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  // reports invalid options at the start
  main.openApi(settings);
  const writings = new WeakMap<object, Writing>();

  function writingOf({ openapiObject, swaggerObject }: Pick<SwaggerRoute, 'openapiObject' | 'swaggerObject'>): Writing {
    const document = (openapiObject ?? swaggerObject) as WrittenDocument;
    let writing = writings.get(document);
    if (!writing) writings.set(document, (writing = startWriting(document, main, settings)));
    return writing;
  }

  return {
    transform(input) {
      const { route } = input;
      const { schema = {}, url } = before ? before(input) : input;
      if (isReceiver(route.handler)) return { schema: { ...schema, hide: true }, url };
      const demands = demandsOn(route);
      const isDeclaredOpen = areOpen || route.config?.tokenward === 'public';
      const own = (schema as { readonly security?: OpenApiAccess['security'] }).security;
      const places = [route.method].flat().map((method) => `${method.toLowerCase()} ${url}`);
      const added = writingOf(input).add(demands.length === 0 && isDeclaredOpen ? 'open' : demands, places, own);
      return { schema: { ...schema, ...added }, url };
    },
    transformObject(input) {
      writingOf(input).finish();
      return after ? after(input) : ((input.openapiObject ?? input.swaggerObject) as object);
    },
  };
}

/** A route of the document. */
interface FoundRoute {
  readonly access: WrittenAccess;
  readonly places: readonly string[];
  /** Whether its schema has a `security` of the app. */
  readonly saysItself: boolean;
}

interface Writing {
  /**
   * Returns members for the schema of a route: its mark, and its security, because a `transformObject` of somebody else may replace ours.
   *
   * @param places the methods and the path of the route
   * @param own the security that the schema already has
   */
  add(demands: readonly Demands[] | 'open', places: readonly string[], own: OpenApiAccess['security'] | undefined): object;
  finish(): void;
}

function startWriting(document: WrittenDocument, main: DocumentedGuard, settings: OpenApiOptions): Writing {
  const version = versionOf(document.swagger ?? document.openapi);
  const securitySchemes = definedSchemes(document);
  const descriptions = new Map<DocumentedGuard, OpenApiDescription>();
  const found: FoundRoute[] = [];
  const problemSchemaName = settings.problemSchemaName ?? freeProblemName(document);

  function describe(guard: DocumentedGuard): OpenApiDescription {
    let description = descriptions.get(guard);
    if (!description) {
      const name = guard === main ? settings.scheme : uniqueName(guard.decorator, descriptions.size);
      description = guard.openApi(guard === main ? { ...settings, version, securitySchemes, problemSchemaName } : { version, scheme: name, problemSchemaName });
      descriptions.set(guard, description);
    }
    return description;
  }

  function write(operation: WrittenOperation, access: OpenApiAccess): void {
    if (!writeAccess(operation, access)) return;
    process.emitWarning('A route with a guard says in its schema that it needs no token. The OpenAPI document shows what the guard needs', {
      code: 'TOKENWARD_OPENAPI',
    });
  }

  /** Routes that differ only in constraints, such as a version or a host, share a place in a document. The last of them is written there. */
  function sharing(route: FoundRoute, method: string): readonly WrittenAccess[] {
    const here = new Set(route.places.filter((place) => place.startsWith(`${method} `)));
    const others = found.filter((other) => other !== route && other.places.some((place) => here.has(place)));
    return [route, ...others].map(({ access }) => access);
  }

  function define(): void {
    for (const description of descriptions.values()) writeComponents(document, description.components());
  }

  return {
    add(demands, places, own) {
      const access = demands === 'open' ? demands : accessOf(demands, main, describe);
      const mark = { [MARK]: found.push({ access, places, saysItself: own !== undefined }) - 1 };
      if (access === 'open') return mark;
      // @fastify/swagger looks the schemes up for each route
      define();
      const operation = { security: own };
      write(operation, access);
      return { ...mark, security: operation.security };
    },
    finish() {
      const unseen = accessOf([], main, describe);
      for (const { method, operation } of namedOperations(document)) {
        const route = found[takeMark(operation) ?? -1];
        const access = route ? eitherAccess(sharing(route, method)) : unseen;
        if (route?.saysItself === false) delete operation.security;
        if (access !== 'open') write(operation, access);
        else if (operation.security === undefined && !isOpen(document.security ?? [])) operation.security = [];
      }
      define();
    },
  };
}

function takeMark(operation: WrittenOperation & { [MARK]?: number }): number | undefined {
  const mark = operation[MARK];
  delete operation[MARK];
  return mark;
}

function uniqueName(decorator: string, count: number): string {
  const name = decorator.replace(/[^A-Za-z0-9._-]/g, '_');
  return name === 'guard' || name === '' ? `guard.${count}` : name;
}

const UNSEEN = 'The document shows no guard for this operation, and nothing that says that it is open.';

/** A request must satisfy every guard on its way. */
function accessOf(demands: readonly Demands[], main: DocumentedGuard, describe: (guard: DocumentedGuard) => OpenApiDescription): OpenApiAccess {
  if (demands.length === 0) return { ...describe(main).operation(), description: UNSEEN };
  const guards = [...new Set(demands.map(({ guard }) => guard))];
  return guards
    .map((guard) => {
      const own = demands.filter((one) => one.guard === guard);
      const credentials = own.every((one) => one.credentials === 'optional') ? 'optional' : 'required';
      return describe(guard).operation(
        own.flatMap(({ policies }) => policies.map(known)),
        credentials,
      );
    })
    .reduce(both);
}

function both(one: OpenApiAccess, other: OpenApiAccess): OpenApiAccess {
  return {
    security: one.security.flatMap((first) => other.security.map((second) => ({ ...first, ...second }))),
    responses: { ...other.responses, ...one.responses },
    description: [one.description, other.description].filter((text) => text !== undefined).join('\n\n') || undefined,
  };
}

/** Stands for a policy that is made from each request. */
const COMPUTED = policy('computed from the request', () => false);

function known(one: Demands['policies'][number]): Policy {
  return typeof one === 'function' ? COMPUTED : one;
}
