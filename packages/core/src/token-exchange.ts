export { createTokenExchange } from './exchange/create-token-exchange.js';
export type { ExchangeTarget, TokenExchangeOptions } from './exchange/exchange-options.js';
export { TokenExchangeError, type TokenExchangeFailure } from './exchange/token-exchange-error.js';
export type { FetchAs, FetchAsOptions, TokenExchange, TokenExchangeHealth } from './exchange/token-exchange.js';
