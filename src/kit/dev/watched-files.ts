import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** Programs such as `git checkout` and "save all" write several files one after the other: together they are one change. */
const quietMs = 150;

export interface WatchedFiles {
  /** The app has loaded this file: a change of it counts from now on. */
  add(file: string): void;
  close(): void;
}

interface Watching {
  /** Watched with all that is in them, new folders too. A file elsewhere is watched in its own folder once it is added. */
  folders: readonly string[];
  /** Whether the app has started. Before that, and while it is down, nobody knows which file it still needs. */
  isUp(): boolean;
  /** Called once for several changes at once, with the paths. */
  changed(files: readonly string[]): void;
}

/**
 * Folders are watched, not files: an editor that saves by renaming a new file, as `git` and `sed` do, puts another file
 * in the place of the one that was watched, and `node --watch` notices no second save on Linux.
 */
export function watchFiles({ folders, isUp, changed }: Watching): WatchedFiles {
  const watchers = new Map<string, FSWatcher>();
  const loaded = new Set<string>();
  const changes = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  /** Whether the app has to start again because of it. */
  function counts(file: string, isRename: boolean): boolean {
    if (loaded.has(known(file))) return true;
    // A folder that was moved away, or back.
    if (isRename && [...loaded].some((one) => one.startsWith(known(file) + sep))) return true;
    return !isUp() && code.test(file);
  }

  function watchFolder(folder: string, recursive: boolean): void {
    if ([...watchers.keys()].some((one) => folder === one || (isDeep(one) && isBelow(folder, one)))) return;
    const watcher = watch(folder, { recursive }, (event, name) => {
      const file = name === null ? folder : join(folder, name);
      if (name !== null && !counts(file, event === 'rename')) return;
      changes.add(file);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const files = [...changes];
        changes.clear();
        changed(files);
      }, quietMs);
    });
    watcher.on('error', (error) =>
      console.error(
        `Changes in ${folder} are no longer noticed (${(error as NodeJS.ErrnoException).code}): start npm run dev again.`,
      ),
    );
    watchers.set(folder, watcher);
  }

  const deep = new Set(folders.map((folder) => realpathSync(folder)));
  const isDeep = (folder: string) => deep.has(folder);
  // The outermost first: the others are in it.
  for (const folder of [...deep].sort((one, other) => one.length - other.length)) watchFolder(folder, true);
  return {
    add(file) {
      loaded.add(known(file));
      watchFolder(dirname(file), false);
    },
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

/** What may be imported; not what an editor writes beside it. */
const code = /(^|[\\/])[^.\\/][^\\/]*\.([cm]?[jt]s|json)$/;

function isBelow(folder: string, other: string): boolean {
  return folder.startsWith(other + sep);
}

/** On macOS and Windows an import may write a name in other letters than the folder has it. */
function known(file: string): string {
  return file.toLowerCase();
}
