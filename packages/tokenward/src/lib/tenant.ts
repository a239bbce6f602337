import type { IssuerOptions } from '@tokenward/core';

/** Stands for the segment of an issuer that differs for each tenant. */
const TENANT = '{tenant}';

export function isTemplate(address: string): boolean {
  return address.includes(TENANT);
}

/** Returns the options of an issuer for one of its tenants. */
export function ofTenant<O extends IssuerOptions>(options: O, tenant: string): O {
  const addresses = Object.entries(options).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && isTemplate(entry[1]));
  return { ...options, ...Object.fromEntries(addresses.map(([name, address]) => [name, address.replace(TENANT, tenant)])) };
}
