import type { Auth, BackchannelLogoutOptions, Deny, GuardOptions, Policy, SharedSignalsOptions } from '@tokenward/core';

/** A route that the app under test must have. */
export interface SuiteRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters as `:id`. */
  readonly path: string;
  /** `public`: no guard stands before it. */
  readonly access: 'public' | 'required' | 'optional';
  /** Calls the guard by hand in this way, which is one of those that the adapter named to the suite, instead of as its users should. */
  readonly way?: string | undefined;
  /** The path of an earlier route, whose very guard stands here, too: the function itself, where the adapter's guards are functions. */
  readonly guardOf?: string | undefined;
  /** Given to the guard one by one, as a user would write `guard(policy, policy)`. */
  readonly policies: readonly Policy[];
  /** What the route's handler answers with. */
  readonly answer: (given: HandlerInput) => HandlerAnswer;
}

export interface HandlerInput {
  /** The request's property that holds the Auth, by default `auth`; undefined on public routes and for anonymous requests. */
  readonly auth: Auth | undefined;
  /** The adapter's `getAuth`, of this request. */
  readonly getAuth: AskAuth;
  /** `guard.getAuth`, of this request. */
  readonly ofGuard: AskAuth;
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The JSON body, parsed behind the guard. */
  readonly body: unknown;
}

/** `getAuth(request, 'optional')` without its request, as in `(...how) => getAuth(request, ...how)`. */
export type AskAuth = (optional?: 'optional') => Auth | undefined;

export interface HandlerAnswer {
  readonly status: number;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
}

/** What an app is to be started with. */
export interface AppSetup {
  readonly options: GuardOptions;
  readonly routes: readonly SuiteRoute[];
  /** The request's property for the Auth, to be handed to the adapter where it is given. */
  readonly property?: string | undefined;
  /** To be handed to the adapter where it is given, and called with the decision; the app then sends the answer, as JSON. */
  readonly onDenied?: ((decision: Deny) => HandlerAnswer | Promise<HandlerAnswer>) | undefined;
  readonly receivers?: SuiteReceivers | undefined;
}

/** An odd way in which people call the adapter's guard, other than by handing it to the framework. The suite asks each one of a route. */
export interface OddWay {
  /** What it does: `awaited without next`. The suite hands it on as a route's `way`. */
  readonly name: string;
  /** Whether the code behind the call waits for it. Where it does not the handler may run for a stranger, but nobody may see its answer. */
  readonly isAwaited: boolean;
}

/** What an app receives from its authorization server, by the guard's own handlers. */
export interface SuiteReceivers {
  /** At POST /backchannel-logout. */
  readonly backchannelLogout: BackchannelLogoutOptions;
  /** At POST /events. */
  readonly sharedSignals: SharedSignalsOptions;
}

/** A listening app. */
export interface RunningApp {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * The one function that an adapter gives: it starts an app of its framework, on loopback, whose routes are guarded by the adapter. What the
 * adapter throws for wrong options or policies rejects here.
 */
export type StartApp = (setup: AppSetup) => Promise<RunningApp>;
