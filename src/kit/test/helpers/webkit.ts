import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from '../../testing/processes.ts';
import { candidates, type Engine, type Found, type Person, type Role, type Tab } from './engine.ts';
import { endGroup, startGroup } from './process-group.ts';
import { findWebKit } from './programs.ts';
import { until } from './redis-server.ts';

/** WebKit by its driver, on a display that nobody sees. It reaches this machine only. */
export async function launchWebKit(): Promise<Engine> {
  const paths = findWebKit();
  if (!paths) throw new Error('WebKitGTK is not installed here');
  const display = await startDisplay(paths.display);
  return {
    name: 'WebKitGTK',
    // With a driver each, whatever a person had ends with it.
    async newPerson() {
      const folder = mkdtempSync(join(tmpdir(), 'webkit-test-'));
      const driver = await startDriver(paths.driver, folder, display.name);
      const close = async () => {
        await endGroup(driver.child);
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      };
      try {
        return personIn(await openSession(driver.origin, paths.browser), close);
      } catch (error) {
        await close();
        throw error;
      }
    },
    // Asked to end, it takes its lock file with it.
    close: () => endGroup(display.child, 'SIGTERM'),
  };
}

const nowhere = 'http://127.0.0.1:9';

/** Nothing of this account's own settings, caches and desktop. */
function ownFolders(folder: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const names = ['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'];
  return {
    ...{ PATH, LANG: 'C.UTF-8', NO_AT_BRIDGE: '1', GSETTINGS_BACKEND: 'memory' },
    ...Object.fromEntries(names.map((name) => [name, folder])),
    // Whatever would go out meets a port that nobody listens on. Set by WebDriver, the driver sometimes starts no browser.
    ...{ http_proxy: nowhere, https_proxy: nowhere, no_proxy: '127.0.0.1,localhost' },
    // Else each browser looks for the bus that the last one started, which ended with it.
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
    // Containers allow no sandbox, as for Chromium.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  };
}

async function startDisplay(executable: string): Promise<{ child: ChildProcess; name: string }> {
  const screen = ['-screen', '0', '1600x1200x24', '-nolisten', 'tcp', '-noreset'];
  // It looks for a free one itself, and says which.
  const child = await startGroup(executable, ['-displayfd', '3', ...screen], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [said] = await Promise.race([
    once(child.stdio[3] as Readable, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('Xvfb ended at its start'))),
  ]);
  return { child, name: `:${String(said).trim()}` };
}

async function startDriver(executable: string, folder: string, display: string) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = await startGroup(executable, [`--port=${port}`, '--host=127.0.0.1'], {
    ...{ folder, stdio: 'ignore' },
    env: { ...ownFolders(folder), DISPLAY: display },
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error('WebKitWebDriver ended at its start');
    return ask(origin, 'GET', '/status').then(
      () => true,
      () => false,
    );
  });
  return { child, origin };
}

interface Session {
  /** A command of the W3C's WebDriver, in the tab that is named or the one that is chosen. */
  command(method: string, path?: string, body?: object, tab?: string): Promise<unknown>;
}

async function openSession(driver: string, binary: string): Promise<Session> {
  const alwaysMatch = {
    ...{ browserName: 'MiniBrowser', acceptInsecureCerts: true },
    // Else each command waits for a page to load, and for ever where the back button led to one.
    pageLoadStrategy: 'none',
    'webkitgtk:browserOptions': { binary, args: ['--automation'] },
  };
  const { sessionId } = (await ask(driver, 'POST', '/session', { capabilities: { alwaysMatch } })) as {
    sessionId: string;
  };
  let chosen: string | undefined;
  /** Commands go one after the other: each is for the tab that was chosen last. */
  let last: Promise<unknown> = Promise.resolve();
  const base = `/session/${sessionId}`;
  return {
    command(method, path = '', body = {}, tab) {
      const run = async () => {
        if (tab && tab !== chosen) await ask(driver, 'POST', `${base}/window`, { handle: tab });
        chosen = tab ?? chosen;
        return ask(driver, method, base + path, body);
      };
      const answer = last.then(run, run);
      last = answer;
      return answer;
    },
  };
}

async function ask(driver: string, method: string, path: string, body = {}): Promise<unknown> {
  const answer = await fetch(driver + path, {
    method,
    // A script whose page gives way to another is sometimes never answered. Who waits for something asks again.
    signal: AbortSignal.timeout(path.endsWith('/execute/sync') ? 5_000 : 25_000),
    ...(method === 'POST' && { body: JSON.stringify(body) }),
  }).catch((cause) => {
    throw new Error(`WebKit: ${method} ${path}: no answer`, { cause });
  });
  const { value } = (await answer.json()) as { value: { message?: string; error?: string } };
  if (!answer.ok) throw new Error(`WebKit: ${method} ${path}: ${value.error}: ${value.message}`);
  return value;
}

function personIn(session: Session, close: Person['close']): Person {
  const tabs = new Map<string, Tab>();
  const tabOf = (handle: string) => {
    const tab = tabs.get(handle) ?? tabIn(session, handle);
    tabs.set(handle, tab);
    return tab;
  };
  return {
    async newTab() {
      // A session begins with one.
      if (tabs.size === 0) return tabOf(String(await session.command('GET', '/window')));
      const { handle } = (await session.command('POST', '/window/new', { type: 'tab' })) as {
        handle: string;
      };
      return tabOf(handle);
    },
    async tabs() {
      const handles = (await session.command('GET', '/window/handles')) as string[];
      for (const handle of handles) tabOf(handle);
      return [...tabs].filter(([handle]) => handles.includes(handle)).map(([, tab]) => tab);
    },
    async deleteCookie(name, from) {
      const handle = [...tabs].find(([, tab]) => tab === from)?.[0];
      await session.command('DELETE', `/cookie/${name}`, undefined, handle);
    },
    close,
  };
}

function tabIn(session: Session, handle: string): Tab {
  const send = (path: string, body?: object) => session.command('POST', path, body, handle);
  const read = (path: string) => session.command('GET', path, undefined, handle);
  const run = (script: string, ...args: unknown[]) => send('/execute/sync', { script, args });

  /** Until another document is there, and loaded. */
  async function toAnother(act: () => Promise<unknown>): Promise<void> {
    await run('window.isLeft = true');
    await act();
    const there = 'return !window.isLeft && document.readyState === "complete"';
    await until(async () => (await run(there).catch(() => false)) === true, 30_000);
  }

  return {
    goTo: (url) => toAnother(() => send('/url', { url })),
    // The driver's own command says where the tab is going to.
    address: async () => String(await run('return location.href')),
    back: async () => void (await send('/back')),
    forward: async () => void (await send('/forward')),
    reload: () => toAnother(() => send('/refresh')),
    evaluate: (expression) => run(`return ${expression}`),
    async find(role: Role, name: string): Promise<Found | undefined> {
      const shown = `return [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility())`;
      for (const element of (await run(shown, candidates[role])) as Record<string, string>[]) {
        const path = `/element/${Object.values(element)[0]}`;
        if ((await read(`${path}/computedlabel`)) !== name) continue;
        if ((await read(`${path}/computedrole`)) !== role) continue;
        return {
          click: async () => void (await send(`${path}/click`)),
          // A line break is the Enter key.
          type: async (text) => void (await send(`${path}/value`, { text: text.replaceAll('\n', '\uE007') })),
          hasFocus: async () =>
            (await run('return document.activeElement === arguments[0]', element)) === true,
        };
      }
      return undefined;
    },
    resize: async (width, height) => void (await send('/window/rect', { width, height })),
    screenshot: async () => Buffer.from(String(await read('/screenshot')), 'base64'),
    close: async () => void (await session.command('DELETE', '/window', undefined, handle)),
  };
}
