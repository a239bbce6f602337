#!/usr/bin/env node
// Nothing but Node's own modules may be imported before the version is checked: older versions cannot load the rest.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(`tokenward needs Node 22.12 or newer, and this is Node ${process.versions.node}. Install a newer Node: https://nodejs.org\n`);
  process.exitCode = 3;
} else {
  const { run, processContext } = await import('./index.js');
  // no process.exit(): it would cut off output that a pipe has not taken yet
  process.exitCode = await run(process.argv.slice(2), processContext());
}
