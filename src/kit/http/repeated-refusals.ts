import type { IncomingMessage } from 'node:http';
import { ipKeyGenerator } from 'express-rate-limit';
import type { Audit, AuditEvent } from '../log/index.ts';
import { createLineBudget, type LineBudget } from './line-budget.ts';

/** What any page can have any browser cause, without a limit on requests before it. All other events are always written. */
const unlimited: ReadonlySet<AuditEvent> = new Set(['request.cross_origin_refused']);

/** Of one client in a minute. The others are counted, in one line at the end of that minute. */
const mostLines = 10;

/** So many are counted apart; all that come after them in that minute count as one. */
const mostClients = 100;

const minuteMs = 60_000;

interface Client {
  event: AuditEvent;
  address: string | undefined;
  lines: LineBudget;
  /** How many events had none. */
  left: number;
}

/**
 * An audit trail that another site cannot flood through the browsers of its visitors. An IPv6 network is one client: one
 * machine has addresses without end.
 */
export function withoutFloods(audit: Audit): Audit {
  let clients = new Map<string, Client>();

  function clientOf(event: AuditEvent, address: string | undefined): Client {
    if (clients.size === 0) setTimeout(countRest, minuteMs).unref();
    const name = `${event} ${address === undefined ? '' : ipKeyGenerator(address)}`;
    const hasRoom = clients.has(name) || clients.size < mostClients;
    const key = hasRoom ? name : `${event} of others`;
    const client = clients.get(key) ?? {
      ...{ event, address: hasRoom ? address : undefined },
      ...{ lines: createLineBudget(mostLines), left: 0 },
    };
    clients.set(key, client);
    return client;
  }

  function countRest(): void {
    const former = clients;
    clients = new Map();
    for (const { event, address, left } of former.values()) {
      const about = { reason: 'repeated', 'client.address': address, requests: left };
      if (left > 0) audit(event, about);
    }
  }

  return (event, details, req) => {
    if (!req || !unlimited.has(event)) return audit(event, details, req);
    const client = clientOf(event, (req as { ip?: string | undefined }).ip);
    if (client.lines.isLeft()) return audit(event, details, req);
    client.left += 1;
    sayLess(req);
  };
}

const saidBefore = new WeakSet<IncomingMessage>();

/** This request is refused for what its client was refused for before: its log needs no cause once more. */
export function sayLess(req: IncomingMessage): void {
  saidBefore.add(req);
}

export function wasSaidBefore(req: IncomingMessage): boolean {
  return saidBefore.has(req);
}
