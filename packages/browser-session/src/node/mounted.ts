import type { CreatedProxy } from '../proxy/create-proxy.js';
import { problemAnswer } from '../routes/answers.js';
import { isClearTarget, withoutMount } from '../proxy/target.js';
import type { Exchange } from './request-of.js';
import { originForm } from './request-of.js';
import { respond } from './respond.js';

/** A request that a framework has matched with the place of a proxy. */
export interface MountedRequest {
  /** Path and query as the client sent them. */
  readonly original: string;
  /** The same without the mount path. */
  readonly target: string;
  readonly clientAddress: string | undefined;
}

/** Passes a request of Node through a proxy. */
export async function proxied(proxy: CreatedProxy, origin: string, exchange: Exchange, { original, target, clientAddress }: MountedRequest): Promise<Response> {
  const path = originForm(target);
  const whole = originForm(original);
  // the mount path comes back in the Location of a redirect, so it must be clear, too
  if (path === undefined || whole === undefined || !isClearTarget(whole)) return problemAnswer({ status: 400, detail: 'The path of the request is ambiguous' });
  const mountPath = mountOf(whole, path) ?? proxy.config.mountPath;
  return respond(exchange, origin, whole, (request) => proxy.forward({ request, target: path, mountPath, clientAddress }));
}

/** Returns the target under the mount path of the options; undefined if a request is not for the proxy. */
export function targetUnderMount({ config }: CreatedProxy, original: string): string | undefined {
  const path = originForm(original);
  return path === undefined ? undefined : withoutMount(path, config.mountPath);
}

/** The mount itself has the target `/`, or `/?x=1`, although its path does not end in a slash. */
function mountOf(whole: string, target: string): string | undefined {
  const bare = target.slice(1);
  const rest = whole.endsWith(target) ? target : bare === '' || bare.startsWith('?') ? bare : undefined;
  if (rest === undefined || !whole.endsWith(rest)) return undefined;
  const mount = whole.slice(0, whole.length - rest.length).replace(/\/+$/, '');
  // middleware has rewritten the target, and the rest is what the client wrote
  return mount.includes('?') ? undefined : mount;
}
