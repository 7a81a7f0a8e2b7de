import type { Config } from '../config/index.ts';
import { sessionHash } from '../log/index.ts';
import { listedIssuers } from '../provider/issuers.ts';
import type { Sessions, StoredSession } from '../store/index.ts';
import type { Order } from './arguments.ts';

/** Carries out what was asked for; returns what to tell the operator. */
export async function carryOut(
  order: Exclude<Order, { command: 'help' }>,
  sessions: Sessions,
  config: Config,
): Promise<string> {
  if (order.command === 'list') return list(order.sub, sessions, config);
  const { whom } = order;
  if (whom === 'all') {
    const ended = await sessions.endAll('operator');
    return ended === 0
      ? 'There was no session to end.'
      : `Ended ${count(ended)}: everybody has to sign in again.`;
  }
  let ended = 0;
  for (const iss of issuersOf(config)) ended += await sessions.endOwner({ iss, ...whom }, 'operator');
  const whose = 'sub' in whom ? `of the user ${whom.sub}` : `of the provider's session ${whom.sid}`;
  return ended === 0 ? `There was no session ${whose} to end.` : `Ended ${count(ended)} ${whose}.`;
}

async function list(sub: string, sessions: Sessions, config: Config): Promise<string> {
  const found: StoredSession[] = [];
  for (const iss of issuersOf(config)) found.push(...(await sessions.list({ iss, sub })));
  if (found.length === 0) return `The user ${sub} is signed in nowhere.`;
  const rows = found
    .map(({ id, data, idleSecondsLeft }) => {
      const idleSeconds = config.session.idleMinutes * 60;
      const lastSeen = new Date(Date.now() - Math.max(0, idleSeconds - idleSecondsLeft) * 1000);
      // The hash by which the log knows the session: with the id itself anybody could take it over (R20).
      return [
        sessionHash(id),
        data.user?.device ?? '?',
        minute(new Date(data.user?.signedInAt ?? 0)),
        minute(lastSeen),
      ];
    })
    .sort(([, , , one = ''], [, , , other = '']) => other.localeCompare(one));
  const table = [['in the log', 'device', 'signed in (UTC)', 'last seen (UTC)'], ...rows];
  return [`The user ${sub} has ${count(found.length)}.`, '', ...aligned(table)].join('\n');
}

/** Users are keyed by (iss, sub); a shared issuer of Microsoft Entra means one issuer for each tenant. */
function issuersOf({ providers }: Config): string[] {
  return providers.flatMap(listedIssuers);
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
