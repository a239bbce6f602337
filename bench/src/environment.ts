import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';

/** What the figures depend on. Nothing in it identifies the machine. */
export interface Environment {
  readonly node: string;
  readonly openssl: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly packages: Readonly<Record<string, string>>;
}

export function describeEnvironment(packageNames: readonly string[]): Environment {
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    packages: Object.fromEntries([...new Set(packageNames)].sort().map((name) => [name, versionOf(name)])),
  };
}

/** Returns how many processes ran or waited to run, averaged over the last minute. The bench alone is one, or two while it loads a server. */
export function loadNow(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}

function versionOf(packageName: string): string {
  const path = findPackageJSON(packageName, import.meta.url);
  if (path === undefined) throw new Error(`the package ${packageName} is not installed`);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
