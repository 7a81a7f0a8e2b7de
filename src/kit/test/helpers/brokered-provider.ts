import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

/** Where the provider hands on to another origin. */
const handedOn = ['/auth', '/session/end'];

/**
 * A provider that hands people on to another origin and takes them back, for sign-ins and for sign-outs alike, as one
 * does that leaves them to a broker.
 */
export async function startBrokeredProvider(options: IdentityProviderOptions) {
  const visits: string[] = [];
  const broker = await listen((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost');
    visits.push(pathname);
    res.writeHead(302, { Location: searchParams.get('back') ?? '' }).end();
  });
  let provider: IdentityProvider | undefined;
  const front = await listen((req, res) => {
    const url = new URL(req.url ?? '', front.origin);
    if (req.method !== 'GET' || !handedOn.includes(url.pathname) || url.searchParams.has('brokered')) {
      passOn(req, res, provider?.port);
      return;
    }
    url.searchParams.set('brokered', 'yes');
    const back = new URLSearchParams({ back: url.href });
    res.writeHead(302, { Location: `${broker.origin}${url.pathname}?${back}` }).end();
  });
  provider = await startIdentityProvider({ ...options, issuer: front.origin });
  const { stop } = provider;

  return {
    ...provider,
    /** What the other origin was asked for. */
    visits,
    async stop() {
      await Promise.all([front.stop(), broker.stop(), stop()]);
    },
  };
}

function passOn(req: IncomingMessage, res: ServerResponse, port: number | undefined): void {
  const { method, url: path, headers } = req;
  const onward = request({ host: 'localhost', port, method, path, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(res);
  });
  onward.on('error', () => res.destroy());
  req.pipe(onward);
}

async function listen(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer(answer).listen(0, 'localhost');
  await once(server, 'listening');
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
