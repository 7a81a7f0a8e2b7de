import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';
import { findPostgres } from '../../testing/postgres.ts';

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

interface Program {
  find: () => unknown;
  /** How it is installed. */
  install: string;
  /** Only `npm run test:slow` needs it. */
  slowOnly?: boolean;
}

/** What tests need beside Node. */
export const programs = {
  Chromium: { find: findChromium, install: 'Install Chromium or Chrome, or set CHROMIUM to its path.' },
  'redis-server': { find: findRedis, install: 'Install Redis 6.2 or later.' },
  PostgreSQL: { find: findPostgres, install: 'Install PostgreSQL 13 or later.' },
  nginx: { find: findNginx, install: 'Install nginx.' },
  openssl: { find: findOpenssl, install: 'Install OpenSSL.' },
  Firefox: {
    find: findFirefox,
    install: 'Install Firefox 140 or later, or set FIREFOX to its path.',
    slowOnly: true,
  },
  WebKitGTK: {
    find: findWebKit,
    install: "Install Debian's webkit2gtk-driver and xvfb; there is none for macOS and Windows.",
    slowOnly: true,
  },
} satisfies Record<string, Program>;

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
  return findBrowser(
    {
      named: system.env.CHROMIUM,
      inPath: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
      onMac: ['Chromium.app/Contents/MacOS/Chromium', 'Google Chrome.app/Contents/MacOS/Google Chrome'],
      onWindows: ['Chromium\\Application\\chrome.exe', 'Google\\Chrome\\Application\\chrome.exe'],
    },
    system,
  );
}

/** FIREFOX, or what is in the PATH (Debian has the long-term release only), or where macOS and Windows keep it. */
export function findFirefox(system: System = thisSystem): string | undefined {
  return findBrowser(
    {
      named: system.env.FIREFOX,
      inPath: ['firefox', 'firefox-esr'],
      onMac: ['Firefox.app/Contents/MacOS/firefox'],
      onWindows: ['Mozilla Firefox\\firefox.exe'],
    },
    system,
  );
}

/** WebKit on Linux: a browser, the driver that a test speaks to, and a display, as this browser has no mode without one. */
export function findWebKit(system: System = thisSystem) {
  const driver = inPath(['WebKitWebDriver'], system);
  const display = inPath(['Xvfb'], system);
  // No distribution has it in the PATH. In this order Debian and Ubuntu, Arch, Fedora; older ones have the first name.
  const browser = ['webkit2gtk-4.1', 'webkitgtk-6.0']
    .flatMap((name) =>
      ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu', 'lib', 'libexec'].map(
        (folder) => `/usr/${folder}/${name}/MiniBrowser`,
      ),
    )
    .find(system.exists);
  return driver && display && browser ? { driver, display, browser } : undefined;
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

/** By the path that somebody set, or in the PATH, or where macOS and Windows keep applications. */
function findBrowser(
  names: { named: string | undefined; inPath: string[]; onMac: string[]; onWindows: string[] },
  system: System,
): string | undefined {
  const { env, platform, home, exists } = system;
  if (names.named) return exists(names.named) ? names.named : undefined;
  const usual: string[] = [];
  if (platform === 'darwin') {
    for (const folder of ['/Applications', posix.join(home, 'Applications')]) {
      for (const path of names.onMac) usual.push(`${folder}/${path}`);
    }
  }
  if (platform === 'win32') {
    for (const folder of [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]) {
      if (folder) for (const path of names.onWindows) usual.push(`${folder}\\${path}`);
    }
  }
  return inPath(names.inPath, system) ?? usual.find(exists);
}

function inPath(names: string[], { platform, env, exists }: System, more: string[] = []): string | undefined {
  const { delimiter, join } = platform === 'win32' ? win32 : posix;
  const path = (platform === 'win32' ? (env.Path ?? env.PATH) : env.PATH) ?? '';
  const folders = [...path.split(delimiter).filter(Boolean), ...more];
  const ending = platform === 'win32' ? '.exe' : '';
  return names.flatMap((name) => folders.map((folder) => join(folder, name + ending))).find(exists);
}
