/** The longest lifetime of an access token of a local issuer: a day. */
export const MAX_LIFETIME_SECONDS = 86_400;
