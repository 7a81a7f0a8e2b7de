import type { Text } from '../errors/texts.ts';

const browsers: [RegExp, string][] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** A browser and its system in plain English, as a session keeps it, from a User-Agent header that anybody may have made up. */
export function describeDevice(userAgent: string | undefined): string {
  const agent = (userAgent ?? '').slice(0, 512);
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(agent))?.[1];
  const [browser, system] = [find(browsers), find(systems)];
  if (!browser && !system) return unknown;
  return `${browser ?? anyBrowser} on ${system ?? anySystem}`;
}

const unknown = 'An unknown browser';
const anyBrowser = 'A browser';
const anySystem = 'an unknown system';

/** What a session keeps of its browser, for a person to read. */
export function deviceText(kept: string): Text {
  const [browser = '', system] = kept.split(' on ', 2);
  if (system === undefined) return kept === unknown ? { key: 'device.unknown' } : kept;
  if (browser === anyBrowser) return { key: 'device.system', values: { system } };
  if (system === anySystem) return { key: 'device.browser', values: { browser } };
  return { key: 'device.browser-and-system', values: { browser, system } };
}
