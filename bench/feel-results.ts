import type { Name } from './contestants.ts';
import { measuredOn } from './machine.ts';
import { few, round, type Section, table, title } from './results.ts';
import { median, type Sample } from './rounds.ts';

/** How far away the provider is, there and back, in milliseconds: in the same region, and on another continent. */
export const distances = [20, 100] as const;

/**
 * Who signs in: the first after the start, somebody later, both after a while in which nobody did, so that no connection
 * to the provider is open any more; and somebody right after that, with all connections open, their browser's own too.
 */
export const occasions = ['first', 'later', 'next'] as const;
export type Occasion = (typeof occasions)[number];

/** What one person on one occasion, at one distance, has felt, and what it took. */
export interface Felt {
  readonly name: Name;
  readonly occasion: Occasion;
  readonly distance: number;
  readonly samples: Sample[];
}

const called: Record<Occasion, string> = {
  first: 'the first after the start',
  later: 'later, no connection open',
  next: 'later, connections open',
};

const [near, far] = distances;

export function feelSection(
  felt: readonly Felt[],
  { times, withoutAsp }: { times: number; withoutAsp: string | undefined },
): Section {
  const names = [...new Set(felt.map(({ name }) => name))];
  const rows = occasions.flatMap((occasion) =>
    names.map((name) => {
      const at = (distance: number) =>
        felt.find((each) => each.name === name && each.occasion === occasion && each.distance === distance);
      return [`${called[occasion]}: ${title(name)}`, ...cells(at(near), at(far))];
    }),
  );
  const head = [
    '',
    ...distances.map((distance) => `ms, ${distance} away`),
    'round trips waited for',
    'counted',
    'by the browser',
    'by the server',
    'over TLS',
    'redirects',
  ];
  const text = [
    `${measuredOn()} Chromium, medians of ${times}. A line in front of the provider takes ${near} or ${far} ms there and back, for the browser and for the server; a connection that was kept open costs one round trip for each request, a new one one more. ${howToRead}`,
    ...(withoutAsp ? [withoutAsp] : []),
    table(head, rows),
    whatItCosts,
  ].join('\n\n');
  return { title: 'From the click on “Sign in” to the page', text };
}

/** What one line of the table says beside its name. */
function cells(nearby: Felt | undefined, distant: Felt | undefined): string[] {
  const of = (felt: Felt | undefined, figure: string) =>
    median((felt?.samples ?? []).map((sample) => sample[figure] ?? Number.NaN));
  const [nearMs, farMs] = [of(nearby, 'milliseconds'), of(distant, 'milliseconds')];
  const counted = (who: string) => [of(distant, `${who}Requests`), of(distant, `${who}Connections`)];
  const [asked = 0, opened = 0, called = 0, connected = 0] = [...counted('browser'), ...counted('server')];
  const all = asked + opened + called + connected;
  return [
    round(nearMs),
    round(farMs),
    few((farMs - nearMs) / (far - near)),
    few(all),
    `${few(asked)} + ${few(opened)}`,
    `${few(called)} + ${few(connected)}`,
    few(all + opened + connected),
    few(of(distant, 'redirects')),
  ];
}

const howToRead =
  '"By the browser" and "by the server" are requests + new connections, together the round trips "counted". ' +
  'Those "waited for" come from the two times alone: where the two agree, nothing was done side by side. ' +
  '"Over TLS" has one more for each new connection (TLS 1.3), and is reckoned, not measured. ' +
  'The times are until the page itself has come; its styles and scripts, which only this app has here, are left out.';

const whatItCosts =
  'Of the round trips of this app, userinfo takes one, and one more where a connection for it has to be made. The code ' +
  'has a connection of its own, which takes one. The check of the signature takes none, but for the first sign-in after ' +
  'the start, which fetches the keys.';
