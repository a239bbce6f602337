import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns the environment of a new user: an own home folder, empty caches, and the given registry in the npm configuration. Variables that npm and
 * pnpm set for scripts are removed.
 */
export function freshEnvironment(folder, { url, token }, path) {
  mkdirSync(folder);
  const account = token ? [`${url.replace(/^\w+:/, '')}:_authToken=${token}`] : [];
  writeFileSync(join(folder, '.npmrc'), [`registry=${url}`, ...account, 'audit=false', 'fund=false', 'update-notifier=false', ''].join('\n'));
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|pnpm_|xdg_|init_cwd$|node_options$|node_path$)/i.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    HOME: folder,
    USERPROFILE: folder,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    // the packages were published a moment ago
    npm_config_min_release_age: '0',
    pnpm_config_minimum_release_age: '0',
    pnpm_config_update_notifier: 'false',
  };
}
