/** A client of the authorization server: an app that asks for tokens. */
export interface ClientEntry {
  readonly id: string;
  /** Its name on the consent page. */
  readonly name: string;
  readonly accessTokenLifetimeSeconds: number;
}

/** The user who logs in. */
export const ALICE = { username: 'alice', password: 'wonderland' } as const;

/** Both are public clients (RFC 6749 s2.1), which cannot keep a secret. PKCE binds a code to the app that requested it. */
export const WEB_APP: ClientEntry = { id: 'web-app', name: 'Orders web app', accessTokenLifetimeSeconds: 300 };
export const KIOSK: ClientEntry = { id: 'kiosk', name: 'Orders kiosk', accessTokenLifetimeSeconds: 4 };
export const CLIENTS: readonly ClientEntry[] = [WEB_APP, KIOSK];

/** Resource indicators (RFC 8707) name the API that a token is for. They become the token's `aud`. Nothing is fetched from these URLs. */
export const ORDERS_API = 'https://orders.example.com';
export const INVOICES_API = 'https://invoices.example.com';

/** The scopes of each API, as the consent page describes them. */
export const SCOPES_OF_APIS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [ORDERS_API]: { 'orders:read': 'See your orders', 'orders:write': 'Place orders in your name' },
  [INVOICES_API]: { 'invoices:read': 'See your invoices' },
};
