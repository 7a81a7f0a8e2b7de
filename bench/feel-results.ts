import { distances, type Felt, type Occasion, occasions } from './feel.ts';
import { measuredOn } from './machine.ts';
import { few, round, type Section, table, title } from './results.ts';
import { median } from './rounds.ts';

const called: Record<Occasion, string> = {
  first: 'the first after the start',
  later: 'later, no connection open',
  next: 'later, connections open',
};

export function feelSection(felt: readonly Felt[], times: number): Section {
  const of = (felt: Felt | undefined, figure: string) =>
    median((felt?.samples ?? []).map((sample) => sample[figure] ?? Number.NaN));
  const names = [...new Set(felt.map(({ name }) => name))];
  const rows = occasions.flatMap((occasion) =>
    names.map((name) => {
      const at = distances.map((distance) =>
        felt.find((each) => each.name === name && each.occasion === occasion && each.distance === distance),
      );
      const far = at.at(-1);
      const [nearMs = 0, farMs = 0] = at.map((each) => of(each, 'milliseconds'));
      const counted = (who: string) => [of(far, `${who}Requests`), of(far, `${who}Connections`)];
      const all = [...counted('browser'), ...counted('server')].reduce((sum, each) => sum + each, 0);
      return [
        `${called[occasion]}: ${title(name)}`,
        round(nearMs),
        round(farMs),
        few((farMs - nearMs) / (distances[1] - distances[0])),
        few(all),
        counted('browser').map(few).join(' + '),
        counted('server').map(few).join(' + '),
        few(of(far, 'redirects')),
      ];
    }),
  );
  const head = [
    '',
    ...distances.map((distance) => `${distance} ms away`),
    'round trips waited for',
    'counted',
    'by the browser',
    'by the server',
    'redirects',
  ];
  return {
    title: 'From the click on “Sign in” to the page',
    text: [`${measuredOn()} ${how(times)}`, table(head, rows)].join('\n\n'),
  };
}

const how = (times: number) => `Chromium, the medians of ${times}.`;
