import type { TestIssuer, TokenOptions } from '../issuer.js';
import type { AppSetup, RunningApp } from './app.js';
import type { Ask } from './exchange.js';

/** One behaviour that every adapter must show. */
export interface SuiteCase {
  /** Begins with the number of the rule, if there is one: `rule 5: refuses requests without credentials with 401`. */
  readonly name: string;
  /** The case is about this version of HTTP only. */
  readonly over?: 'HTTP/1.1' | 'HTTP/2' | undefined;
  /** The case needs an app with two guards on one route. */
  readonly needsSeveralGuards?: boolean | undefined;
  run(suite: Suite): Promise<void>;
}

/** A listening app, and a function that sends it requests over the HTTP version of the suite. */
export interface SuiteApp extends RunningApp {
  readonly ask: Ask;
}

/** What a case works with. */
export interface Suite {
  readonly issuer: TestIssuer;
  /** An app with the routes of the examples. */
  readonly app: SuiteApp;
  /** Whether public routes are declared to the guard: the suite's option of this name. */
  readonly declaresPublicRoutes: boolean;
  /** Whether the platform joins the lines of a field: the suite's option of this name. */
  readonly joinsFieldLines: boolean;
  /** Whether the apps speak HTTP/2: the suite's option of this name. */
  readonly http2: boolean;
  /** The suite's option of this name. */
  readonly resolvesDotSegments: boolean;
  /** The suite's option of this name. */
  readonly refusesMalformedHosts: boolean;
  /** Issues a token that the app accepts. */
  token(wanted?: TokenOptions): Promise<string>;
  /** Sends a request to the app with the routes of the examples. */
  readonly ask: Ask;
  /** Starts another app, by default with the routes of the examples. The suite closes it when the case ends. */
  start(setup?: Partial<AppSetup>): Promise<SuiteApp>;
  /** Returns how many handlers have run since the last call, in all apps. */
  handlersRun(): number;
}
