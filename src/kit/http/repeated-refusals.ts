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

/**
 * So many of one provider's network: whoever has a large one must not take the room of all others. Those that come after
 * them count as one.
 */
const mostOfNetwork = 4;

const minuteMs = 60_000;

interface Client {
  event: AuditEvent;
  address: string | undefined;
  lines: LineBudget;
  /** How many events had none. */
  left: number;
}

export interface LimitedAudit {
  audit: Audit;
  /** Writes what was only counted so far: nobody is there to do so at the end of the minute. */
  close(): void;
}

/**
 * An audit trail that another site cannot flood through the browsers of its visitors. A small IPv6 network is one client:
 * one machine has addresses without end.
 */
export function withoutFloods(audit: Audit): LimitedAudit {
  let clients = new Map<string, Client>();
  /** How many clients are counted apart, by their network. */
  let networks = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  function clientOf(event: AuditEvent, address: string | undefined): Client {
    timer ??= setTimeout(countRest, minuteMs).unref();
    const own = `${event} ${address === undefined ? '' : ipKeyGenerator(address)}`;
    const known = clients.get(own);
    if (known) return known;
    const network = `${event} ${networkOf(address)}`;
    const apart = networks.get(network) ?? 0;
    const hasRoom = clients.size < mostClients;
    if (hasRoom && apart < mostOfNetwork) {
      networks.set(network, apart + 1);
      return add(own, event, address);
    }
    const key =
      hasRoom || clients.has(`others of ${network}`) ? `others of ${network}` : `${event} of others`;
    return clients.get(key) ?? add(key, event, undefined);
  }

  function add(key: string, event: AuditEvent, address: string | undefined): Client {
    const client = { event, address, lines: createLineBudget(mostLines), left: 0 };
    clients.set(key, client);
    return client;
  }

  function countRest(): void {
    clearTimeout(timer);
    timer = undefined;
    const former = clients;
    [clients, networks] = [new Map(), new Map()];
    for (const { event, address, left } of former.values()) {
      const about = { reason: 'repeated', 'client.address': address, requests: left };
      if (left > 0) audit(event, about);
    }
  }

  return {
    audit(event, details, req) {
      if (!req || !unlimited.has(event)) return audit(event, details, req);
      const client = clientOf(event, (req as { ip?: string | undefined }).ip);
      if (client.lines.isLeft()) return audit(event, details, req);
      client.left += 1;
      sayLess(req);
    },
    close: countRest,
  };
}

/** What a provider of addresses has, roughly: 65,536 in IPv4, a /32 in IPv6. */
function networkOf(address = ''): string {
  return address.includes(':') ? ipKeyGenerator(address, 32) : address.split('.', 2).join('.');
}

const saidBefore = new WeakSet<IncomingMessage>();

/** This request is refused for what its client was refused for before: its log needs no cause once more. */
export function sayLess(req: IncomingMessage): void {
  saidBefore.add(req);
}

export function wasSaidBefore(req: IncomingMessage): boolean {
  return saidBefore.has(req);
}
