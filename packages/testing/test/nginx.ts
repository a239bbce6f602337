import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const STARTS_WITHIN_MS = 30_000;

/**
 * Starts nginx on loopback, for one test. It resolves when nginx accepts connections.
 *
 * @param configuration what goes into the block `http`
 */
export async function startNginx(configuration: string, port: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-nginx-'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
  const main = `daemon off;\nmaster_process off;\npid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${configuration}\n}\n`;
  await writeFile(join(folder, 'nginx.conf'), main);
  // Debian keeps it in /usr/sbin, which is not on the PATH of every user
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` };
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) => reject(new Error(`these tests need nginx, which cannot be started (${error.message}): apt-get install nginx`)));
    child.once('exit', (code) => reject(new Error(`nginx ended with ${code}: ${said}`)));
  });
  ended.catch(() => {});
  onTestFinished(async () => {
    if (child.exitCode === null && child.pid !== undefined) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  });
  await Promise.race([accepts(port), ended]);
}

async function accepts(port: number): Promise<void> {
  const end = Date.now() + STARTS_WITHIN_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      if (Date.now() > end) throw new Error(`nginx does not answer on port ${port}`);
      await sleep(20);
    } finally {
      socket.destroy();
    }
  }
}
