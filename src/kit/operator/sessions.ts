import type { Config } from '../config/index.ts';
import { issuerOfTenant } from '../config/tenants.ts';
import { sessionHash } from '../log/index.ts';
import { everyTenant, issues, listedIssuers } from '../provider/issuers.ts';
import type { Sessions, StoredSession } from '../store/index.ts';
import { type Order, UsageError } from './arguments.ts';
import { shown } from './shown.ts';

/**
 * Carries out what was asked for; returns what to tell the operator.
 *
 * @param begin told how many sessions there are, before the first of them is ended; undefined where that is not known
 * @throws UsageError where --iss names no issuer of the settings, or has to be given
 */
export async function carryOut(
  order: Exclude<Order, { command: 'help' }>,
  sessions: Sessions,
  config: Config,
  begin: (expected: number | undefined) => void = () => {},
): Promise<string> {
  if (order.command === 'list') return list(order, sessions, config);
  const { whom } = order;
  if (whom === 'all') {
    begin(await expected(sessions.count()));
    const ended = await sessions.endAll('operator');
    return ended === 0
      ? 'There was no session to end.'
      : `Ended ${count(ended)}: everybody has to sign in again.`;
  }
  const { iss: only, ...owner } = whom;
  const issuers = issuersOf(config, only);
  if ('sub' in whom) begin(await expected(howMany(issuers, whom.sub, sessions)));
  const ended: { iss: string; count: number }[] = [];
  for (const iss of issuers)
    ended.push({ iss, count: await sessions.endOwner({ iss, ...owner }, 'operator') });
  const some = ended.filter((each) => each.count > 0);
  const sum = some.reduce((total, each) => total + each.count, 0);
  const whose =
    'sub' in whom ? `of the user ${shown(whom.sub)}` : `of the provider's session ${shown(whom.sid)}`;
  const said = sum === 0 ? `There was no session ${whose} to end.` : `Ended ${count(sum)} ${whose}.`;
  // Users of two issuers are two people, whatever they are called.
  const several = some.length > 1 && config.providers.length > 1;
  const each = several ? some.map(({ iss, count: own }) => `${count(own)} of ${shown(iss)}`) : [];
  return [said, ...each, ...notCovered(config, only)].join('\n');
}

/** Whoever cannot be counted, as in a Redis that is full, can be ended all the same. */
function expected(counted: Promise<number | undefined>): Promise<number | undefined> {
  return counted.catch(() => undefined);
}

/** About: some may have ended. */
async function howMany(issuers: readonly string[], sub: string, sessions: Sessions): Promise<number> {
  let sum = 0;
  for (const iss of issuers) {
    const { sessions: newest, older } = await sessions.newest({ iss, sub }, 1);
    sum += newest.length + older;
  }
  return sum;
}

async function list(
  { sub, iss: only }: { sub: string; iss?: string },
  sessions: Sessions,
  config: Config,
): Promise<string> {
  const found: StoredSession[] = [];
  for (const iss of issuersOf(config, only)) found.push(...(await sessions.list({ iss, sub })));
  const more = notCovered(config, only);
  if (found.length === 0) return [`The user ${shown(sub)} is not signed in anywhere.`, ...more].join('\n');
  const rows = found
    .map((session) => cellsOf(session, config))
    .sort((one, other) => (other.at(-1) ?? '').localeCompare(one.at(-1) ?? ''));
  const heads = ['provider', 'in the log', 'device', 'place', 'signed in (UTC)', 'last seen (UTC)'];
  // Columns that say nothing are left out.
  const places = found.some(({ data }) => data.user?.place !== undefined);
  const shows = [config.providers.length > 1, true, true, places];
  const table = [heads, ...rows].map((cells) => cells.filter((_, column) => shows[column] ?? true));
  return [`The user ${shown(sub)} has ${count(found.length)}.`, '', ...aligned(table), ...more].join('\n');
}

function cellsOf({ id, data: { user }, idleSecondsLeft }: StoredSession, { session }: Config): string[] {
  const idleSeconds = session.idleMinutes * 60;
  const lastSeen = new Date(Date.now() - Math.max(0, idleSeconds - idleSecondsLeft) * 1000);
  // The hash by which the log knows the session: with the id itself anybody could take it over (R20).
  return [
    user?.provider ?? '?',
    sessionHash(id),
    shown(user?.device ?? '?'),
    shown(user?.place ?? ''),
    minute(new Date(user?.signedInAt ?? 0)),
    minute(lastSeen),
  ];
}

/**
 * Users are keyed by (iss, sub); a shared issuer of Microsoft Entra means one issuer for each tenant.
 *
 * @param only the one that was asked for
 */
function issuersOf({ providers }: Config, only: string | undefined): string[] {
  if (only === undefined) {
    const all = providers.flatMap(listedIssuers);
    if (all.length > 0) return all;
    throw new UsageError(`Say which tenant: --iss <iss>, such as --iss ${exampleOf(providers[0].issuer)}.`);
  }
  if (providers.some((provider) => issues(provider, only))) return [only];
  const known = providers.map(({ issuer, allowedTenants }) =>
    allowedTenants.length > 0 ? exampleOf(issuer) : issuer,
  );
  throw new UsageError(`${shown(only)} is not an issuer in the settings, which have ${known.join(', ')}.`);
}

/** What was left out: whoever ends sessions in haste must not take them for ended. */
function notCovered({ providers }: Config, only: string | undefined): string[] {
  if (only !== undefined) return [];
  return providers
    .filter(({ allowedTenants }) => allowedTenants.includes(everyTenant))
    .map(
      ({ name, issuer }) =>
        `Users of the provider ${name} are not among them: name their tenant with --iss ${exampleOf(issuer)}.`,
    );
}

function exampleOf(issuer: string): string {
  return issuerOfTenant(issuer, '<tenant>');
}

function count(sessions: number): string {
  return sessions === 1 ? 'one session' : `${sessions} sessions`;
}

function minute(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ');
}

function aligned(table: string[][]): string[] {
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
