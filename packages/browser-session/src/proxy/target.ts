import { isAmbiguousTarget, normalPath } from '@tokenward/core/adapter';
import type { ProxyConfig } from './proxy-options.js';

/** What a URL may contain (RFC 3986), except a fragment and a backslash, which URL parsers read as a slash. */
const TARGET = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/;

/** Whether a target, path and query, means one resource to every program, so that it cannot lead out of the API's path. */
export function isClearTarget(target: string): boolean {
  return TARGET.test(target) && !isAmbiguousTarget(target);
}

/** Whether a path is one of `paths`, or below one. */
export function isListed(target: string, paths: readonly string[]): boolean {
  return paths.some((path) => isUnder(normalPath(target), path));
}

/** Returns a target without the path under which the proxy is mounted; undefined if it is not under that path. */
export function withoutMount(target: string, mountPath: string): string | undefined {
  const [path] = target.split('?', 1) as [string];
  if (!isUnder(path, mountPath)) return undefined;
  const rest = target.slice(mountPath.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** @param prefix without a slash at its end */
function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/**
 * Returns where an API's redirect leads in terms of this app: a path under the mount path. Returns undefined if it leads out of the API.
 *
 * @param target of the request that was redirected, as the API got it
 */
export function appLocation(location: string, target: string, { origin, basePath }: ProxyConfig, mountPath: string): string | undefined {
  const url = URL.parse(location, `${origin}${basePath}${target}`);
  if (!url || url.origin !== origin || url.username !== '' || url.password !== '') return undefined;
  const rest = withoutMount(`${url.pathname}${url.search}`, basePath);
  if (rest === undefined || !isClearTarget(rest)) return undefined;
  return `${mountPath}${rest}${url.hash}`;
}
