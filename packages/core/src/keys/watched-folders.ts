import { readlinkSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';

/** The folders of a file and of each symbolic link on its path. */
export interface WatchedFolders {
  /** Watches the folders to which the links lead now. A watch stays with the folder that it began with, although a link may have been swapped. */
  follow(): void;
  close(): void;
}

/** The limit of Linux. */
const MAX_LINKS = 40;

/** @param onChange is called when something on the file's path may have changed */
export function watchFolders(path: string, onChange: () => void): WatchedFolders {
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
        if (entry === null || !entries || entries.has(entry)) onChange();
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
  /** The entries that matter. undefined means all, as in the file's own folder, in which programs create a new file to replace it. */
  readonly entries: Set<string> | undefined;
}

/** Returns the folders by their identity, so that a new folder at the same path counts as another one. */
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
  // if the folder is moved away, its watch moves with it
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

/** Watches a folder. Returns undefined if that is impossible; polling then finds the changes. */
function watchFolder(folder: string, onChange: (entry: string | null) => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, (_event, entry) => onChange(entry)).on('error', () => {});
  } catch {
    return undefined;
  }
}
