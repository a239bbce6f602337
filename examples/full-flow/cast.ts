/** A client of the authorization server: an app that asks for tokens. */
export interface ClientEntry {
  readonly id: string;
  /** What the consent page calls it. */
  readonly name: string;
  readonly accessTokenLifetimeSeconds: number;
}

/** Who logs in. */
export const ALICE = { username: 'alice', password: 'wonderland' } as const;

/** Both are public clients (RFC 6749 s2.1): they can keep no secret, so PKCE is what binds a code to the app that asked for it. */
export const WEB_APP: ClientEntry = { id: 'web-app', name: 'Orders web app', accessTokenLifetimeSeconds: 300 };
export const KIOSK: ClientEntry = { id: 'kiosk', name: 'Orders kiosk', accessTokenLifetimeSeconds: 4 };
export const CLIENTS: readonly ClientEntry[] = [WEB_APP, KIOSK];

/** Resource indicators (RFC 8707): what a client asks a token for. It becomes the token's `aud`, and a name is all it has to be. */
export const ORDERS_API = 'https://orders.example.com';
export const INVOICES_API = 'https://invoices.example.com';

/** The scopes of each API, in the words of the consent page. */
export const SCOPES_OF_APIS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [ORDERS_API]: { 'orders:read': 'See your orders', 'orders:write': 'Place orders in your name' },
  [INVOICES_API]: { 'invoices:read': 'See your invoices' },
};
