import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type BrowserContext, type Page } from 'puppeteer-core';
import type { Engine, Found, Person, Role, Tab } from './engine.ts';
import { guardGroup } from './process-group.ts';
import { findFirefox } from './programs.ts';

/** Firefox by WebDriver BiDi, which it speaks without a driver. It reaches this machine only. */
export async function launchFirefox(): Promise<Engine> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('Firefox is not installed here');
  const profile = mkdtempSync(join(tmpdir(), 'firefox-test-'));
  const browser = await puppeteer.launch({
    ...{ browser: 'firefox', executablePath, headless: true, acceptInsecureCerts: true },
    userDataDir: profile,
    extraPrefsFirefox: preferences,
  });
  const child = browser.process();
  if (child) guardGroup(child, profile);
  return {
    name: 'Firefox',
    newPerson: async () => personIn(await browser.createBrowserContext()),
    async close() {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Beside puppeteer's own, which turn off updates, safe browsing and the like. */
const preferences = {
  // Whatever would still go out meets a port that nobody listens on. Addresses of this machine use no proxy.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.allow_hijacking_localhost': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'browser.region.network.url': '',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
  'intl.accept_languages': 'en',
};

function personIn(context: BrowserContext): Person {
  const tabs = new Map<Page, Tab>();
  const tabOf = (page: Page) => {
    const tab = tabs.get(page) ?? tabIn(page);
    tabs.set(page, tab);
    return tab;
  };
  return {
    newTab: async () => tabOf(await context.newPage()),
    tabs: async () => {
      const pages = await context.pages();
      for (const page of pages) tabOf(page);
      return [...tabs].filter(([page]) => pages.includes(page)).map(([, tab]) => tab);
    },
    deleteCookie: (name) => context.deleteMatchingCookies({ name }),
    close: () => context.close(),
  };
}

function tabIn(page: Page): Tab {
  return {
    goTo: async (address) => void (await page.goto(address)),
    address: async () => page.url(),
    back: async () => void (await page.goBack()),
    forward: async () => void (await page.goForward()),
    reload: async () => void (await page.reload()),
    evaluate: (expression) => page.evaluate(expression),
    async find(role: Role, name: string): Promise<Found | undefined> {
      const handles = await page.$$(`::-p-aria([name=${JSON.stringify(name)}][role="${role}"])`);
      for (const handle of handles) {
        if (!(await handle.evaluate((element) => element.checkVisibility()))) continue;
        return {
          async click() {
            // It clicks where the middle is, and there may be something else over it, as the notice is at the bottom.
            await handle.evaluate((element) => element.scrollIntoView({ block: 'center' }));
            await handle.click();
          },
          type: (text) => handle.type(text),
          hasFocus: () => handle.evaluate((element) => element === element.ownerDocument.activeElement),
        };
      }
      return undefined;
    },
    resize: (width, height) => page.setViewport({ width, height }),
    screenshot: () => page.screenshot(),
    close: () => page.close(),
  };
}
