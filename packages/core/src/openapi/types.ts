/** The versions of OpenAPI whose documents can be described. `2.0` is Swagger. */
export type OpenApiVersion = '2.0' | '3.0' | '3.1' | '3.2';

/** A Security Requirement Object: all of these schemes, each with the scopes that it needs. `{}` needs nothing. */
export type OpenApiRequirement = Readonly<Record<string, readonly string[]>>;

/** A Security Scheme Object. */
export interface OpenApiSecurityScheme {
  readonly type: 'apiKey' | 'http' | 'mutualTLS' | 'oauth2' | 'openIdConnect';
  readonly description: string;
  /** Of `openIdConnect`. */
  readonly openIdConnectUrl?: string;
  /** Of `oauth2`. */
  readonly flows?: Readonly<Record<string, OpenApiFlow & { readonly scopes: Readonly<Record<string, string>> }>>;
  /** Of `http`. */
  readonly scheme?: string;
  /** Of `apiKey`. */
  readonly name?: string;
  /** Of `apiKey`. */
  readonly in?: 'header' | 'cookie';
}

/** An OAuth Flow Object, without its scopes: those are known from the policies. */
export interface OpenApiFlow {
  readonly authorizationUrl?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly refreshUrl?: string | undefined;
  /** Of OpenAPI 3.2. */
  readonly deviceAuthorizationUrl?: string | undefined;
}

/** A Response Object. Its members depend on the version. */
export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  /** Of version 2.0. */
  readonly schema?: object;
}

/** What a document says about the access to one operation. */
export interface OpenApiAccess {
  /** One of these must be met. Empty only for an operation that needs nothing. */
  readonly security: readonly OpenApiRequirement[];
  /** The refusals that can occur, by status. */
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
  /** What `security` cannot express, in Markdown. undefined: it expresses everything. */
  readonly description: string | undefined;
}

/** What a document defines once for all operations. */
export interface OpenApiComponents {
  readonly securitySchemes: Readonly<Record<string, OpenApiSecurityScheme>>;
  readonly schemas: Readonly<Record<string, object>>;
}
