import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Returns a name of what this process takes for its machine: other processes are on the same one if they have the same name. Only then do process ids and ports of
 * loopback mean the same. On Linux, the host and each of its containers are different machines, even if all have one host name.
 */
export function machineName(): string {
  return (name ??= process.platform === 'linux' ? nameOnLinux() : hostname());
}

let name: string | undefined;

/** Each kernel has a namespace of the same number when it starts, so the boot must be part of the name. */
function nameOnLinux(): string {
  try {
    return [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), readlinkSync('/proc/self/ns/pid'), readlinkSync('/proc/self/ns/net')].join(' ');
  } catch {
    // without knowing, no process counts as ended
    return randomUUID();
  }
}
