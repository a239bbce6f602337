import type { Readable } from 'node:stream';
import type { Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Auth, BackchannelLogoutOptions, Decision, Deny, GuardOptions, Policy, ResourceGuard, SharedSignalsOptions } from '@tokenward/core';

/** A policy, or a function that makes one of the framework's request. Its `params` are the parameters of the path. */
export type SuitePolicy = Policy | ((request: { readonly params: unknown }) => Policy);

/** A route that the app under test must have. */
export interface SuiteRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters as `:id`. */
  readonly path: string;
  /** `public`: the route has no guard. */
  readonly access: 'public' | 'required' | 'optional';
  /** The name of an {@link OddWay}. The route then calls its guard by hand in this way. */
  readonly way?: string | undefined;
  /** The path of an earlier route. This route uses the guard of that route: the same function, if the adapter's guards are functions. */
  readonly guardOf?: string | undefined;
  /** Passed to the guard one by one, as in `guard(policy, policy)`. */
  readonly policies: readonly SuitePolicy[];
  /** Instead of `access` and `policies`: these guards run one after the other, before the handler. */
  readonly guards?: readonly SuiteGuard[] | undefined;
  /** Returns what the handler of the route answers. */
  readonly answer: (given: HandlerInput) => HandlerAnswer;
}

/** A guard of an app that has two guards for different APIs. */
export interface SuiteGuard {
  /** Which options the guard has: `options` or `secondApi` of the {@link AppSetup}. */
  readonly api: 'first' | 'second';
  readonly access: 'required' | 'optional';
  readonly policies: readonly Policy[];
}

/** What a handler passes to `answer`. */
export interface HandlerInput {
  /** The request's property that holds the Auth, by default `auth`. Undefined on public routes and for anonymous requests. */
  readonly auth: Auth | undefined;
  /** Calls the adapter's `getAuth` with the framework's request. */
  readonly getAuth: AskAuth;
  /** Calls `getAuth` of the app's guard with the framework's request. */
  readonly ofGuard: AskAuth;
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The JSON body, parsed after the guard. */
  readonly body: unknown;
  /** Calls `permit` of the app's guard with an Auth, a policy and the framework's request. */
  readonly permit?: ((auth: Auth, policy: Policy) => Decision) | undefined;
  /** With two guards: what the request's property of each guard contains. */
  readonly properties?: { readonly first: Auth | undefined; readonly second: Auth | undefined } | undefined;
}

/** `getAuth(request, 'optional')` without its request, as in `(...how) => getAuth(request, ...how)`. */
export type AskAuth = (optional?: 'optional') => Auth | undefined;

/** What a handler answers. */
export interface HandlerAnswer {
  readonly status: number;
  /** Sent as JSON. Default: no body. */
  readonly body?: unknown;
  /** Instead of `body`: sent as `text/event-stream`, piece by piece. */
  readonly stream?: Readable | undefined;
  /** The handler passes this refusal to `refuse` of the app's guard and sends nothing else. */
  readonly refusal?: Deny | undefined;
}

/** How to start an app. */
export interface AppSetup {
  readonly options: GuardOptions;
  readonly routes: readonly SuiteRoute[];
  /** The `property` option of the adapter. */
  readonly property?: string | undefined;
  /** Options of a second guard in the same app, which protects another API. Its `property` differs from that of the first guard. */
  readonly secondApi?: (GuardOptions & { readonly property: string }) | undefined;
  /** Guards in front of all routes, as with `app.use(guard())`. */
  readonly appGuards?: readonly SuiteGuard[] | undefined;
  /** The app's `onDenied` calls it and sends its answer as JSON. If it returns the decision, so does `onDenied`. */
  readonly onDenied?: ((decision: Deny) => OnDeniedAnswer | Promise<OnDeniedAnswer>) | undefined;
  /** The app's `onRefused` calls it, with the path of the request that it got. */
  readonly onRefused?: ((decision: Deny, path: string) => void) | undefined;
  readonly receivers?: SuiteReceivers | undefined;
}

export type OnDeniedAnswer = HandlerAnswer | Deny;

/** An unusual way to call the adapter's guard by hand. The suite tests each of them on a route. */
export interface OddWay {
  /** What the caller does: `awaited without next`. The suite passes it on as the `way` of a route. */
  readonly name: string;
  /** Whether the caller waits for the guard. If not, the handler may run for an unauthorized request, but its answer must not be sent. */
  readonly isAwaited: boolean;
}

/** The receivers of an app for messages from its authorization server. */
export interface SuiteReceivers {
  /** At POST /backchannel-logout. */
  readonly backchannelLogout: BackchannelLogoutOptions;
  /** At POST /events. */
  readonly sharedSignals: SharedSignalsOptions;
}

/** The methods of a guard that the suite calls itself. */
export interface SuiteGuardMethods extends Pick<ResourceGuard, 'warm' | 'revocations'> {
  check(request: object, ...policies: readonly Policy[]): Decision | Promise<Decision>;
  permit(auth: Auth, policy: Policy, request?: object): Decision;
}

/** A listening app. */
export interface RunningApp {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly guard: SuiteGuardMethods;
  /** Node's own server. The suite listens to its `request` event to see when requests arrive and connections close. */
  readonly server: Server | Http2Server;
  /** Shuts the app down as the adapter's documentation says: it accepts no new connection and answers the requests it has. */
  shutDown(): Promise<void>;
  /** Closes all connections and then shuts down. */
  close(): Promise<void>;
}

/**
 * The one function that an adapter provides. It starts an app of its framework on 127.0.0.1 whose routes are guarded by the adapter. If the
 * adapter throws for invalid options or policies, the promise rejects with that error.
 */
export type StartApp = (setup: AppSetup) => Promise<RunningApp>;
