import type { Readable } from 'node:stream';
import type { Server } from 'node:http';
import type { Http2Server } from 'node:http2';
import type { Auth, BackchannelLogoutOptions, Decision, Deny, GuardOptions, Policy, ResourceGuard, SharedSignalsOptions } from '@tokenward/core';

/** A policy, or a function that makes one of the framework's request. Its `params` are the parameters of the path. */
export type SuitePolicy = Policy | ((request: { readonly params: unknown }) => Policy);

/** A route that the app under test must have. */
export interface SuiteRoute {
  /** `ALL`: the route takes every method, OPTIONS included. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'ALL';
  /** Parameters as `:id`. */
  readonly path: string;
  /** `public`: the route has no guard. */
  readonly access: 'public' | 'required' | 'optional';
  /** The name of an {@link OddWay}. The route's handler then calls its guard itself, in this way. */
  readonly way?: string | undefined;
  /** The path of an earlier route. This route uses the guard of that route: the same function, if the adapter's guards are functions. */
  readonly guardOf?: string | undefined;
  /** Passed to the guard one by one, as in `guard(policy, policy)`. */
  readonly policies: readonly SuitePolicy[];
  /**
   * The route has no guard. Its handler calls `check` of the app's guard with the policies, and passes a refusal to `refuse`. If it awaits that, it then
   * returns. Otherwise it goes on, at once or a few milliseconds later, and answers.
   */
  readonly refuses?: 'awaited' | 'not awaited' | 'not awaited, and answered later' | undefined;
  /** With `refuses`: the handler calls it when it ends, and says whether the headers of the response were sent. */
  readonly ended?: ((isAnswered: boolean) => void) | undefined;
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
  /** Set on the response. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. Default: no body. */
  readonly body?: unknown;
  /** Instead of `body`: sent as `text/event-stream`, piece by piece. */
  readonly stream?: Readable | undefined;
  /** Added to the response by the framework's own means, before the answer is sent. */
  readonly cookies?: readonly string[] | undefined;
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
  /** The app serves `metadata()` of its guard, before or after its `appGuards`. Default: it does not. */
  readonly metadata?: 'before' | 'after' | undefined;
  /** The name of an {@link OddDenial}. The app then has this `onDenied`. */
  readonly denial?: string | undefined;
  /** The name of a {@link SuiteRouter}. The app's routers then have these settings. Default: those of the framework. */
  readonly router?: string | undefined;
  readonly mounts?: readonly SuiteMount[] | undefined;
  /** The framework trusts proxies on loopback, by its own setting. Default: it trusts none. */
  readonly trustsProxies?: boolean | undefined;
  /** The app answers CORS for `https://app.example.test` before or after its `appGuards`, and exposes the headers `www-authenticate` and `dpop-nonce`. */
  readonly cors?: CorsPlace | undefined;
  /** The app serves TLS with these options of Node's servers, over its usual version of HTTP. Default: its server is as for all other tests. */
  readonly tls?: SuiteTls | undefined;
  /** The app handles the server's `checkContinue` event. Its handlers ask for the body, by `writeContinue` of Node's response, behind the guard. */
  readonly asksForBodies?: boolean | undefined;
}

/** Options of a TLS server that asks for a client certificate, and accepts any or none. */
export interface SuiteTls extends SuiteIdentity {
  readonly ca: string;
  readonly requestCert: true;
  readonly rejectUnauthorized: false;
}

/** A certificate and its private key, in PEM. */
export interface SuiteIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for mutual TLS. */
export interface SuiteCertificates {
  /** The certificate of the authority that issued those of the server, the client and the other client, in PEM. */
  readonly authority: string;
  /** For 127.0.0.1. */
  readonly server: SuiteIdentity;
  readonly client: SuiteIdentity;
  readonly otherClient: SuiteIdentity;
  readonly selfSigned: SuiteIdentity;
}

export type CorsPlace = 'before' | 'after';

/** Routes below a prefix. */
export interface SuiteMount {
  readonly prefix: string;
  /** `router`: a router or a scope of the app. `app`: an app of its own, or a router, whose guard also runs where no route matches. */
  readonly as: 'router' | 'app';
  /** A guard in front of all routes of the mount. Default: none. */
  readonly guard?: SuiteGuard | undefined;
  readonly routes: readonly SuiteRoute[];
}

/** Settings of the framework's router that decide which paths match a route. */
export interface SuiteRouter {
  /** What the settings do: `a case-sensitive router`. The suite passes it on as the `router` of an app. */
  readonly name: string;
  /** Which of `/ADMIN`, `/admin/`, `//admin` and `/admin;x=1` match a route `/admin`, in this order. */
  readonly alsoMatches: readonly string[];
}

/** An `onDenied` that answers in the framework's own way, or fails. */
export interface OddDenial {
  /** What it does: `an onDenied that answers through req.res`. The suite passes it on as the `denial` of an app. */
  readonly name: string;
  /** The status that a client without the needed scope gets. */
  readonly status: number;
  /** The body that the client gets, if `onDenied` answers. */
  readonly body?: string | undefined;
}

export type OnDeniedAnswer = DenialAnswer | Deny;

/** What an `onDenied` answers. */
export interface DenialAnswer extends HandlerAnswer {
  /** Once `cookies` are on the response, `onDenied` sets all headers of this decision at once, as the framework does that: `res.set(headers)`. */
  readonly withHeadersOf?: Deny | undefined;
}

/** An unusual way in which code of an app can call the adapter's guard. The suite tests each of them on a route. */
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
  getAuth(request: object): Auth;
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
