import type { TestIssuer, TokenWishes } from '../issuer.js';
import type { AppSetup, RunningApp } from './app.js';
import type { Ask } from './exchange.js';

/** One behaviour that every adapter shows. */
export interface SuiteCase {
  /** It begins with the number of the rule, where there is one: `rule 5: no credentials are 401`. */
  readonly name: string;
  /** The version of HTTP without which there is nothing to show. */
  readonly over?: 'HTTP/1.1' | 'HTTP/2' | undefined;
  run(suite: Suite): Promise<void>;
}

/** A listening app, and a way to ask it over the version of HTTP that the suite is run on. */
export interface SuiteApp extends RunningApp {
  readonly ask: Ask;
}

/** What a case is run with. */
export interface Suite {
  readonly issuer: TestIssuer;
  /** An app with the routes of the examples. */
  readonly app: SuiteApp;
  /** Whether public routes are declared to the guard, as the suite's option says. */
  readonly declaresPublicRoutes: boolean;
  /** A good token of the issuer. */
  token(wishes?: TokenWishes): Promise<string>;
  /** Asks the app with the routes of the examples. */
  readonly ask: Ask;
  /** Starts another app, by default with the routes of the examples; it is closed when the case ends. */
  start(setup?: Partial<AppSetup>): Promise<SuiteApp>;
  /** How many handlers have run since the last call, in all apps. */
  handlersRun(): number;
}
