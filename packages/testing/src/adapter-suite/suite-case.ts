import type { TestIssuer, TokenWishes } from '../issuer.js';
import type { AppSetup, RunningApp } from './app.js';
import type { Received, Sent } from './exchange.js';

/** One behaviour that every adapter shows. */
export interface SuiteCase {
  /** It begins with the number of the rule, where there is one: `rule 5: no credentials are 401`. */
  readonly name: string;
  run(suite: Suite): Promise<void>;
}

/** What a case is run with. */
export interface Suite {
  readonly issuer: TestIssuer;
  /** An app with the routes of the examples. */
  readonly app: RunningApp;
  /** A good token of the issuer. */
  token(wishes?: TokenWishes): Promise<string>;
  /** Asks the app with the routes of the examples. */
  ask(sent: Sent): Promise<Received>;
  /** Starts another app, by default with the routes of the examples; it is closed when the case ends. */
  start(setup?: Partial<AppSetup>): Promise<RunningApp>;
  /** How many handlers have run since the last call, in all apps. */
  handlersRun(): number;
}
