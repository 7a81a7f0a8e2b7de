import { describe, expect, test } from 'vitest';
import { createProgress } from '../operator/progress.ts';

/** What is written while `ended` sessions end, one each millisecond. */
function written(expected: number | undefined, ended: number, { inPlace = false } = {}): string {
  let text = '';
  let time = 0;
  const write = (more: string) => {
    text += more;
  };
  const progress = createProgress({ write, inPlace, now: () => time });
  progress.begin(expected);
  for (let n = 0; n < ended; n++) {
    time += 1;
    progress.count();
  }
  progress.end();
  return text;
}

describe('the progress of an ending', () => {
  test('is a line every five seconds, between what it costs and how long it took', () => {
    expect(written(20_000, 12_000).split('\n')).toEqual([
      'There are about 20000 sessions. Ending them takes 2 to 8 s if Redis is near. For each there is one line in the log, and one key in Redis for 24 hours, by which the app tells the user why they were signed out.',
      '5000 of about 20000 sessions ended.',
      '10000 of about 20000 sessions ended.',
      'It took 12.0 s, 1.00 ms a session.',
      '',
    ]);
  });

  test('is one line that changes, on a terminal', () => {
    const [cost = '', rest = ''] = written(1_000, 1_000, { inPlace: true }).split('\n');
    expect(cost).toContain('about 1000 sessions');
    const steps = rest.split('\r\x1b[K');
    const numbers = [200, 400, 600, 800, 1000].map((ended) => `${ended} of about 1000 sessions ended`);
    expect(steps).toEqual(['', ...numbers, 'It took 1.0 s, 1.00 ms a session.']);
  });

  test('is not needed for few', () => {
    expect(written(999, 999)).toBe('');
    expect(written(undefined, 999)).toBe('');
    expect(written(0, 0)).toBe('');
  });

  test('is known as far as it has come where nobody knows how many there are', () => {
    for (const expected of [undefined, 10])
      expect(written(expected, 6_000)).toBe('5000 sessions ended.\nIt took 6.0 s, 1.00 ms a session.\n');
  });
});
