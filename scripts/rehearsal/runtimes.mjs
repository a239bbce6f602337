import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the Node versions to try: this one and those in `compat/`. `absent` lists those that are not installed. */
export function runtimes(root) {
  const compat = join(root, 'compat');
  const { devDependencies } = JSON.parse(readFileSync(join(compat, 'package.json'), 'utf8'));
  const others = Object.keys(devDependencies)
    .filter((name) => /^node-\d+$/.test(name))
    .map((name) => ({ name: name.replace('-', ' ').replace('node', 'Node'), node: join(compat, 'node_modules', name, 'bin', 'node') }));
  return {
    present: [{ name: `Node ${process.versions.node.split('.')[0]}`, node: process.execPath }, ...others.filter(({ node }) => existsSync(node))],
    absent: others.filter(({ node }) => !existsSync(node)),
  };
}
