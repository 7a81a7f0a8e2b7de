import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { freePort } from '../../testing/processes.ts';
import type { Certificate } from './certificates.ts';
import { playHost } from './host-names.ts';
import { type IdentityProviderOptions, startIdentityProvider } from './identity-provider.ts';

/** A request as it came in at the internal address. */
export interface Inner {
  line: string;
  headers: IncomingHttpHeaders;
}

/** What the provider says there in the place of its own metadata. */
export type Rewrite = (metadata: Record<string, unknown>, at: { inside: string; issuer: string }) => object;

export interface Split {
  issuer: string;
  internal: string;
  /** All that came in at the internal address. */
  inner: Inner[];
  /** What came in at the public address and from no browser. */
  strangers: string[];
  /** For `startPair`. */
  start(options: IdentityProviderOptions): ReturnType<typeof startIdentityProvider>;
}

interface Wanted {
  /** The host of the internal address, and what it shows where it speaks https. */
  host?: string;
  tls?: Certificate;
  rewrite?: Rewrite;
}

/**
 * A provider that users reach at one address, by https, and the server at another: a port for each. Whatever goes to the
 * wrong one is noted.
 */
export async function planSplit({ host = '127.0.0.1', tls, rewrite }: Wanted = {}): Promise<Split> {
  const [outside, inside] = [await freePort(), await freePort()];
  const issuer = `https://login.example.test:${outside}`;
  const internal = `${tls ? 'https' : 'http'}://${host}:${inside}`;
  const inner: Inner[] = [];
  const strangers: string[] = [];
  return {
    ...{ issuer, internal, inner, strangers },
    async start(options) {
      const provider = await startIdentityProvider({ ...options, issuer });
      // It says https where a proxy says so.
      Object.assign(provider.provider, { proxy: true });
      const forUsers = pass(provider.port, (req) => {
        if (!req.headers['sec-fetch-mode']) strangers.push(`${req.method} ${req.url}`);
        req.headers['x-forwarded-proto'] = 'https';
      });
      const forServer = pass(
        provider.port,
        (req) => {
          inner.push({ line: `${req.method} ${req.url?.split('?')[0]}`, headers: { ...req.headers } });
          if (tls) req.headers['x-forwarded-proto'] = 'https';
        },
        rewrite && ((metadata) => rewrite(metadata, { inside: internal, issuer })),
      );
      const { cert, key } = playHost('login.example.test');
      const ports = [
        createTlsServer({ cert, key }, forUsers).listen(outside, '127.0.0.1'),
        (tls ? createTlsServer({ cert: tls.cert, key: tls.key }, forServer) : createServer(forServer)).listen(
          inside,
          '127.0.0.1',
        ),
      ];
      await Promise.all(ports.map((port) => once(port, 'listening')));
      return {
        ...provider,
        async stop() {
          for (const port of ports) port.close().closeAllConnections();
          await provider.stop();
        },
      };
    },
  };
}

/** Passes requests on to a port of this machine; `change` lies about the metadata. */
function pass(
  port: number,
  see: (req: Parameters<RequestListener>[0]) => void,
  change?: (metadata: Record<string, unknown>) => object,
): RequestListener {
  return (req, res) => {
    see(req);
    const onward = request({
      host: 'localhost',
      port,
      path: req.url,
      method: req.method,
      headers: req.headers,
    });
    onward.on('error', () => res.destroy());
    onward.on('response', async (answer) => {
      const isMetadata = req.url?.endsWith('/openid-configuration');
      if (!change || !isMetadata) {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(res);
        return;
      }
      const changed = change(JSON.parse((await buffer(answer)).toString()));
      res.setHeader('content-type', 'application/json').end(JSON.stringify(changed));
    });
    req.pipe(onward);
  };
}
