export { createBrowserSession } from './create-browser-session.js';
export type { BrowserSession, BrowserSessionHealth, RequestHeaders, SessionUser } from './browser-session.js';
export type { BrowserSessionOptions, ClientAuthentication, LoginParameterRule } from './browser-session-options.js';
export { END_REASONS, type EndReason } from './sessions.js';
export type { ProxyUpgrade, SessionProxy } from './proxy/session-proxy.js';
export type { ProxyOptions } from './proxy/proxy-options.js';
