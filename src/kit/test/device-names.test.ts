import { describe, expect, test } from 'vitest';
import { describeDevice, kindOfDevice } from '../session/device-names.ts';

// What a session keeps of its browser, as real ones name themselves in User-Agent.

const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const iPad = 'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)';
const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)';
const android = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)';
const blink = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0';

test.each([
  [`${iPhone} Version/18.6 Mobile/15E148 Safari/604.1`, 'Safari on iPhone', 'phone'],
  [`${iPhone} Version/18.0 EdgiOS/144.0.3719.82 Mobile/15E148 Safari/604.1`, 'Edge on iPhone', 'phone'],
  [`${iPhone} Version/18.6 Mobile/15E148 Safari/604.1 OPT/6.0.2`, 'Opera on iPhone', 'phone'],
  [`${iPhone} OPiOS/16.0.15.124050 Mobile/15E148 Safari/9537.53`, 'Opera on iPhone', 'phone'],
  [`${iPhone} FxiOS/146.0 Mobile/15E148 Safari/605.1.15`, 'Firefox on iPhone', 'phone'],
  [`${iPhone} CriOS/144.0.7559.53 Mobile/15E148 Safari/604.1`, 'Chrome on iPhone', 'phone'],
  [`${iPhone} Version/18.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15`, 'DuckDuckGo on iPhone', 'phone'],
  [`${iPhone} Version/18.6 Mobile/15E148 Safari/605.1.15 Ddg/18.6`, 'DuckDuckGo on iPhone', 'phone'],
  // A page inside of another app.
  [`${iPhone} Mobile/15E148 [FBAN/FBIOS;FBAV/540.0]`, 'A browser on iPhone', 'phone'],
  [`${iPad} Version/18.6 Mobile/15E148 Safari/604.1`, 'Safari on iPad', 'tablet'],
  [`${iPad} Version/18.0 EdgiOS/144.0.3719.82 Mobile/15E148 Safari/604.1`, 'Edge on iPad', 'tablet'],
  [`${android} Chrome/144.0.0.0 Mobile Safari/537.36`, 'Chrome on Android', 'phone'],
  [`${android} Chrome/144.0.0.0 Safari/537.36`, 'Chrome on Android', 'tablet'],
  [`${android} Chrome/144.0.0.0 Mobile Safari/537.36 EdgA/144.0.0.0`, 'Edge on Android', 'phone'],
  [`${android} Chrome/144.0.0.0 Mobile Safari/537.36 OPR/93.0.0.0`, 'Opera on Android', 'phone'],
  [`${android} Chrome/144.0.0.0 Mobile DuckDuckGo/5 Safari/537.36`, 'DuckDuckGo on Android', 'phone'],
  [
    `${android} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    'Samsung Internet on Android',
    'phone',
  ],
  [
    'Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/144.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
    'phone',
  ],
  ['Mozilla/5.0 (Android 15; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0', 'Firefox on Android', 'phone'],
  ['Mozilla/5.0 (Android 15; Tablet; rv:146.0) Gecko/146.0 Firefox/146.0', 'Firefox on Android', 'tablet'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 'Firefox on Linux', 'computer'],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${blink} Safari/537.36`, 'Chrome on ChromeOS', 'computer'],
  [`${windows} ${blink} Safari/537.36`, 'Chrome on Windows', 'computer'],
  [`${windows} ${blink} Safari/537.36 Edg/144.0.0.0`, 'Edge on Windows', 'computer'],
  [`${windows} ${blink} Safari/537.36 OPR/126.0.0.0`, 'Opera on Windows', 'computer'],
  [`${windows} ${blink} Safari/537.36 Vivaldi/7.8`, 'Vivaldi on Windows', 'computer'],
  // An iPad that asks for desktop pages says the same.
  [
    `${mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15`,
    'Safari on macOS',
    'computer',
  ],
  ['curl/8.14.1', 'An unknown browser', undefined],
  ['', 'An unknown browser', undefined],
  [undefined, 'An unknown browser', undefined],
])('%s', (agent, name, kind) => {
  expect([describeDevice(agent), kindOfDevice(agent)]).toEqual([name, kind]);
});

describe('what somebody made up', () => {
  test.each([
    '<script>alert(1)</script> Firefox/1 on Linux',
    `${'Edg'.repeat(100_000)}/`,
    'Safari/1 on on on iPhone\u202e',
  ])('%#: nothing of it is kept but names that we know', (agent) => {
    expect(describeDevice(agent)).toMatch(/^(Firefox on Linux|An unknown browser|Safari on iPhone)$/);
  });

  test('beyond 512 characters nothing is looked at', () => {
    expect(describeDevice(`${'-'.repeat(505)} Firefox/1`)).toBe('An unknown browser');
    expect(kindOfDevice(`${'-'.repeat(511)} iPhone`)).toBeUndefined();
  });
});
