import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** The system that programs are looked for on; another one in the tests of this file. */
export interface System {
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
  home: string;
  exists: (path: string) => boolean;
}

const thisSystem: System = {
  platform: process.platform,
  env: process.env,
  home: homedir(),
  exists: existsSync,
};

/** What tests need beside Node: each program, and how it is installed. */
export const programs = {
  Chromium: { find: findChromium, install: 'Install Chromium or Chrome, or set CHROMIUM to its path.' },
  'redis-server': { find: findRedis, install: 'Install Redis 6.2 or later.' },
  nginx: { find: findNginx, install: 'Install nginx.' },
  openssl: { find: findOpenssl, install: 'Install OpenSSL.' },
};

/** CHROMIUM, or what is in the PATH, or where macOS and Windows keep it. */
export function findChromium(system: System = thisSystem): string | undefined {
  // The same engine without a browser's windows around it, for a quarter of the work.
  return (
    (system.env.CHROMIUM ? undefined : inPath(['chromium-headless-shell'], system)) ??
    findWholeChromium(system)
  );
}

/** The browser itself: only that keeps pages whole for the back button. */
export function findWholeChromium(system: System = thisSystem): string | undefined {
  const { env, platform, home, exists } = system;
  if (env.CHROMIUM) return exists(env.CHROMIUM) ? env.CHROMIUM : undefined;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const usual: string[] = [];
  if (platform === 'darwin') {
    for (const folder of ['/Applications', posix.join(home, 'Applications')]) {
      for (const name of ['Chromium', 'Google Chrome'])
        usual.push(`${folder}/${name}.app/Contents/MacOS/${name}`);
    }
  }
  if (platform === 'win32') {
    for (const folder of [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]) {
      if (!folder) continue;
      for (const name of ['Chromium', 'Google\\Chrome'])
        usual.push(`${folder}\\${name}\\Application\\chrome.exe`);
    }
  }
  return inPath(names, system) ?? usual.find(exists);
}

export function findRedis(system: System = thisSystem): string | undefined {
  return inPath(['redis-server'], system);
}

/** Debian keeps it in a folder that is not in everybody's PATH. */
export function findNginx(system: System = thisSystem): string | undefined {
  return inPath(['nginx'], system, ['/usr/sbin']);
}

/** Makes the keys that docs/providers.md asks for. */
export function findOpenssl(system: System = thisSystem): string | undefined {
  return inPath(['openssl'], system);
}

function inPath(names: string[], { platform, env, exists }: System, more: string[] = []): string | undefined {
  const { delimiter, join } = platform === 'win32' ? win32 : posix;
  const path = (platform === 'win32' ? (env.Path ?? env.PATH) : env.PATH) ?? '';
  const folders = [...path.split(delimiter).filter(Boolean), ...more];
  const ending = platform === 'win32' ? '.exe' : '';
  return names.flatMap((name) => folders.map((folder) => join(folder, name + ending))).find(exists);
}
