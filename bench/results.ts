import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { contestants, type Name } from './contestants.ts';
import { measuredOn } from './machine.ts';

/** A heading of RESULTS.md and what stands below it. */
export interface Section {
  title: string;
  text: string;
}

export function print(sections: Section[]): void {
  console.log(sections.map(({ title, text }) => `## ${title}\n\n${text}\n`).join('\n'));
}

/** Prints the sections and puts them into RESULTS.md; sections of other runs stay. */
export function write(fresh: Section[]): void {
  print(fresh);
  const file = new URL('RESULTS.md', import.meta.url);
  const old = existsSync(file) ? readFileSync(file, 'utf8').split(/^## /m).slice(1) : [];
  const kept = new Map(
    old.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]),
  );
  for (const { title, text } of fresh)
    kept.set(title, title === 'In short' ? `${measuredOn()}\n\n${text}` : text);
  const body = [...kept].map(([title, text]) => `## ${title}\n\n${text}\n`).join('\n');
  writeFileSync(file, `# What a sign-in costs\n\n${preamble}\n\n${body}`);
}

const preamble = `Written by \`npm run bench\`. Machines differ: what counts is the ratio, taken within each round.

All print this app's /profile with the same model and the same views; the others print it with
\`ejs.renderFile\`, as is usual. Over http on loopback: on https the session cookie's name is seven bytes
longer. This app logs from \`warn\` on, since the others log no requests at all. A sign-in of this app verifies the
ID token's signature and calls userinfo; express-openid-connect and Auth.js do neither by default.`;

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export const title = (name: Name) => contestants[name].title;
export const round = (value = Number.NaN) => (Number.isNaN(value) ? '–' : value.toFixed(0));
export const few = (value = Number.NaN) => value.toFixed(2).replace(/\.00$/, '');
export const times = (value: number) => `${value.toFixed(2)} ×`;
/** From the least to the most of those that were measured. */
export function range(
  values: readonly (number | undefined)[],
  as: (value: number) => string,
): string | undefined {
  const measured = values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  if (measured.length === 0) return undefined;
  const [least, most] = [as(Math.min(...measured)), as(Math.max(...measured))];
  return least === most ? least : `${least.replace(/ ×$/, '')} to ${most}`;
}
export const megabytes = (value = Number.NaN) =>
  Number.isNaN(value) ? '–' : `${(value / 2 ** 20).toFixed(1)} MB`;
