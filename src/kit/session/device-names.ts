import type { Text } from '../errors/texts.ts';

// A browser also carries the names of those that it wants to be taken for: the most particular comes first. On an iPhone
// each of them is Safari underneath, and says so. Brave says nowhere that it is Brave, and an iPad that asks for desktop
// pages says that it is a Mac.

const browsers: [RegExp, string][] = [
  [/\bEdg(A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPT|OPX|OPiOS)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(DuckDuckGo|Ddg)\//, 'DuckDuckGo'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(HeadlessChrome|Chrome|CriOS)\//, 'Chrome'],
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
// An iPad says "Mobile", an Android tablet does not.
const kinds: [RegExp, DeviceKind][] = [
  [/\b(iPad|Tablet)\b/, 'tablet'],
  [/\b(iPhone|Mobile)\b/, 'phone'],
  [/\bAndroid\b/, 'tablet'],
  [/\b(Windows|Mac OS X|CrOS|Linux)\b/, 'computer'],
];

export type DeviceKind = 'phone' | 'tablet' | 'computer';

/** A browser and its system in plain English, as a session keeps it, from a User-Agent header that anybody may have made up. */
export function describeDevice(userAgent: string | undefined): string {
  const [browser, system] = [findIn(userAgent, browsers), findIn(userAgent, systems)];
  if (!browser && !system) return unknown;
  return `${browser ?? anyBrowser} on ${system ?? anySystem}`;
}

/** What it runs on, from the same header; undefined where it does not say. */
export function kindOfDevice(userAgent: string | undefined): DeviceKind | undefined {
  return findIn(userAgent, kinds);
}

/** Of the beginning only: the header may be as long as all headers together (R23). */
function findIn<T>(userAgent: string | undefined, names: readonly [RegExp, T][]): T | undefined {
  const agent = (userAgent ?? '').slice(0, 512);
  return names.find(([pattern]) => pattern.test(agent))?.[1];
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
