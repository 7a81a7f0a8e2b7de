import { isIP } from 'node:net';
import express, { type Application, type Request } from 'express';

/** No address is longer, with its port. */
const longestAddress = 64;

const expressIp = Object.getOwnPropertyDescriptor(express.request, 'ip')?.get;

/**
 * Makes `req.ip` the client's address and nothing else, for everything that counts or logs it. Some proxies write the
 * port into X-Forwarded-For (Azure), and with it each connection would be a client of its own. What is no address is
 * replaced by that of the proxy that sent it, so that nobody is a new client with each new text.
 */
export function useClientAddress(app: Application): void {
  // One getter for all requests, as in `requestLog`.
  Object.defineProperty((app as express.Express).request, 'ip', {
    configurable: true,
    get(this: Request) {
      return addressIn(expressIp?.call(this)) ?? addressIn(this.socket.remoteAddress);
    },
  });
}

/** `203.0.113.7:49152`, `[2001:db8::1]:443` and `fe80::1%eth0` without what is no part of the address. */
function addressIn(text: string | undefined): string | undefined {
  if (text === undefined || text.length > longestAddress) return undefined;
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1];
  const plain = bracketed ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1');
  const address = plain.split('%', 1)[0] ?? '';
  const family = isIP(address);
  return family === 6 || (family === 4 && bracketed === undefined) ? address : undefined;
}
