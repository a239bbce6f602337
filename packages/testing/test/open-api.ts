import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { expect } from 'vitest';

const validator = new Validator();

type Requirement = Record<string, string[]>;

export interface Operation {
  readonly security?: Requirement[];
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: object }>; readonly headers?: object }
  >;
  readonly description?: string;
}

export interface OpenApiDocument {
  readonly openapi?: string;
  readonly swagger?: string;
  readonly security?: Requirement[];
  readonly components?: { readonly securitySchemes?: Record<string, { type: string }>; readonly schemas?: Record<string, object> };
  readonly securityDefinitions?: Record<string, { type: string }>;
  readonly definitions?: Record<string, object>;
  readonly paths: Record<string, Record<string, Operation>>;
}

/** Validates a document, and what no schema can: that its security requirements refer to schemes that it defines, with scopes only where a scheme has any. */
export async function expectValidDocument(given: object): Promise<OpenApiDocument> {
  const document = structuredClone(given) as OpenApiDocument;
  const { valid, errors } = await validator.validate({ ...document });
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const schemes = document.components?.securitySchemes ?? document.securityDefinitions ?? {};
  for (const { operation } of operationsOf(document)) {
    for (const requirement of operation.security ?? []) {
      for (const [name, scopes] of Object.entries(requirement)) {
        expect(Object.keys(schemes)).toContain(name);
        if (!['oauth2', 'openIdConnect'].includes(schemes[name]!.type)) expect(scopes).toEqual([]);
      }
    }
  }
  expect(JSON.stringify(document)).not.toContain('x-tokenward');
  return document;
}

function operationsOf({ paths }: OpenApiDocument): { readonly method: string; readonly path: string; readonly operation: Operation }[] {
  const all = Object.entries(paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method, path, operation })));
  // fetch refuses to send it
  return all.filter(({ method }) => method !== 'trace');
}

/** Returns whether a document says that an operation admits a request without credentials. */
export function saysOpen(document: OpenApiDocument, { security = document.security ?? [] }: Operation): boolean {
  return security.length === 0 || security.some((one) => Object.keys(one).length === 0);
}

/**
 * Sends a request without credentials to each operation, and compares the answer with what the document says: a protected operation must never look open, and
 * the refusal must be one of the documented responses, with a body as the schema says.
 *
 * @returns the operations that look protected and are open
 */
export async function expectNoneLooksOpen(document: OpenApiDocument, origin: string): Promise<string[]> {
  const looksClosed: string[] = [];
  for (const { method, path, operation } of operationsOf(document)) {
    const response = await fetch(origin + path.replaceAll(/\{[^}]+\}/g, 'x'), { method: method.toUpperCase() });
    const name = `${method} ${path}`;
    if (response.status === 401) {
      expect([name, saysOpen(document, operation)]).toEqual([name, false]);
      expect([name, Object.keys(operation.responses)]).toEqual([name, expect.arrayContaining(['400', '401', '503'])]);
      if (method !== 'head') await expectProblem(document, response);
    } else {
      if (!saysOpen(document, operation)) looksClosed.push(name);
      await response.body?.cancel();
    }
  }
  return looksClosed;
}

/** Compares the body of a refusal with the schema in the document. */
export async function expectProblem(document: OpenApiDocument, response: Response): Promise<void> {
  const schemas = document.components?.schemas ?? document.definitions ?? {};
  const validate = new Ajv({ strict: false }).compile({ ...schemas['AccessProblem'], additionalProperties: false });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect([validate(await response.json()), validate.errors]).toEqual([true, null]);
}

/** How {@link answersNotDocumented} asks. */
export interface Asking {
  /** Returns a token with these scopes and nothing else. */
  tokenWith(scopes: readonly string[]): Promise<string>;
  /** Header fields of every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks each operation without credentials, with malformed ones, with a wrong token, with a token that has nothing, and with tokens that have what each
 * alternative of its security requirement lists, and one scope less.
 *
 * @returns what the document says otherwise
 */
export async function answersNotDocumented(document: OpenApiDocument, origin: string, { tokenWith, headers = {} }: Asking): Promise<string[]> {
  const found: string[] = [];
  for (const { method, path, operation } of operationsOf(document)) {
    const { security = document.security ?? [], responses, description = '' } = operation;
    const ask = async (authorization?: string): Promise<number> => {
      const response = await fetch(origin + path.replaceAll(/\{[^}]+\}/g, '1'), {
        method: method.toUpperCase(),
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      });
      await response.body?.cancel();
      return response.status;
    };
    const askWith = async (scopes: readonly string[]): Promise<number> => ask(`Bearer ${await tokenWith(scopes)}`);
    const note = (status: number, what: string): void => void found.push(`${method} ${path}: ${status} ${what}`);
    const isRefusal = (status: number): boolean => status === 401 || status === 403;

    const looksOpen = saysOpen(document, operation);
    const anonymous = await ask();
    if ((anonymous === 401) === looksOpen) note(anonymous, `without credentials, and looks ${looksOpen ? 'open' : 'protected'}`);
    const malformed = await ask('Bearer a b');
    if ((malformed === 400) !== Object.hasOwn(responses, '400')) note(malformed, 'with malformed credentials');
    if (malformed !== 400) continue;
    for (const [status, what] of [
      [await ask('Bearer a.b.c'), 'with a wrong token'],
      [await askWith([]), 'with a token that has nothing'],
    ] as const)
      if (isRefusal(status) && !Object.hasOwn(responses, String(status))) note(status, what);
    const alternatives = security.map((one) => ({ schemes: Object.keys(one), scopes: Object.values(one).flat() })).filter(({ schemes }) => schemes.length > 0);
    for (const { scopes } of alternatives) {
      // the description says what a token needs besides
      const enough = await askWith(scopes);
      if (isRefusal(enough) && !/needs/i.test(description)) note(enough, `with ${scopes.join(' ') || 'no scopes'}, which is enough by the document`);
      for (const missing of scopes) {
        const less = scopes.filter((one) => one !== missing);
        if (alternatives.some((other) => other.scopes.every((scope) => less.includes(scope)))) continue;
        const status = await askWith(less);
        if (status !== 403) note(status, `without ${missing}, which is needed by the document`);
      }
    }
  }
  return found;
}
