import { readlinkSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';

/** The folders of one file, and of each symbolic link on the way to it. */
export interface WatchedFolders {
  /** Looks where they are by now: a link may have been swapped, and a watch stays with the folder that it began with. */
  follow(): void;
  close(): void;
}

/** As many links as systems follow. */
const MAX_LINKS = 40;

/** @param changed is told whenever something on the way to the file may have changed */
export function watchFolders(path: string, changed: () => void): WatchedFolders {
  const watchers = new Map<string, FSWatcher>();

  function follow(): void {
    const found = foldersOf(path);
    for (const [name, watcher] of watchers) {
      if (found.has(name)) continue;
      watcher.close();
      watchers.delete(name);
    }
    for (const [name, { folder, entries }] of found) {
      if (watchers.has(name)) continue;
      const watcher = watchFolder(folder, (entry) => {
        if (entry === null || !entries || entries.has(entry)) changed();
      });
      if (watcher) watchers.set(name, watcher);
    }
  }

  follow();
  return {
    follow,
    close() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

interface Folder {
  readonly folder: string;
  /** What matters in it; undefined: everything, as in the file's own folder, where writers put new files beside the old one. */
  readonly entries: Set<string> | undefined;
}

/** By the folder's identity, so that another one in its place is another folder. */
function foldersOf(path: string): ReadonlyMap<string, Folder> {
  const folders = new Map<string, Folder>();

  function add(folder: string, entry: string | undefined): void {
    const name = `${identityOf(folder)} ${folder} ${entry === undefined ? 'all' : 'some'}`;
    const known = folders.get(name);
    if (!known) folders.set(name, { folder, entries: entry === undefined ? undefined : new Set([entry]) });
    else if (entry !== undefined) known.entries!.add(entry);
  }

  const { root } = parse(resolve(path));
  let at = root;
  let rest = segmentsOf(resolve(path), root);
  for (let links = 0; rest.length > 0;) {
    const [next, ...others] = rest as [string, ...string[]];
    const target = links < MAX_LINKS ? targetOf(join(at, next)) : undefined;
    if (target === undefined) {
      at = join(at, next);
      rest = others;
      continue;
    }
    links++;
    add(at, next);
    if (isAbsolute(target)) at = parse(target).root;
    rest = [...segmentsOf(target, isAbsolute(target) ? at : ''), ...others];
  }
  add(dirname(resolve(path)), undefined);
  add(dirname(at), undefined);
  // a folder that is moved away takes its watch along
  add(dirname(dirname(at)), basename(dirname(at)));
  return folders;
}

function segmentsOf(path: string, root: string): string[] {
  return path
    .slice(root.length)
    .split(sep)
    .filter((segment) => segment !== '' && segment !== '.');
}

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function identityOf(folder: string): string {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev}:${ino}`;
  } catch {
    return 'none';
  }
}

/** undefined where it can't be watched: it is then looked at from time to time. */
function watchFolder(folder: string, changed: (entry: string | null) => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, (_event, entry) => changed(entry)).on('error', () => {});
  } catch {
    return undefined;
  }
}
