import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';

export interface ConnectProxy {
  /** Its address, as HTTPS_PROXY takes it. */
  address(credentials?: string): string;
  /** Where it was asked to connect to, such as `localhost:443`, in order. */
  asked: string[];
  /** Whether a certificate came with each of these, which it asks for where it speaks TLS. */
  shown: boolean[];
  /** What anybody asked of it that was no CONNECT. */
  others: string[];
  /** Connections that it has opened. */
  readonly opened: number;
  /** Connections that are open to it now, and from it. */
  readonly connections: number;
  stop(): Promise<void>;
}

interface Wanted {
  /** What it wants in Proxy-Authorization, as `user:password`. */
  credentials?: string;
  /** Answers each CONNECT with this, instead of a connection; `hangs` says nothing at all, `hangs up` closes. */
  answer?: string | 'hangs' | 'hangs up';
  tls?: Certificate;
}

/** An HTTP proxy as companies have one: it opens connections for whom it lets (RFC 9110 §9.3.6). */
export async function startConnectProxy({ credentials, answer, tls }: Wanted = {}): Promise<ConnectProxy> {
  const asked: string[] = [];
  const shown: boolean[] = [];
  const others: string[] = [];
  const sockets = new Set<Duplex>();
  let opened = 0;
  const server = tls
    ? createTlsServer({ cert: tls.cert, key: tls.key, requestCert: true, rejectUnauthorized: false })
    : createServer();
  const keep = (socket: Duplex) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  };
  server.on('connection', keep);
  server.on('request', (req, res) => {
    others.push(`${req.method} ${req.url}`);
    res.writeHead(400).end();
  });
  server.on('connect', (req, socket: Duplex, head: Buffer) => {
    keep(socket);
    const target = req.url ?? '';
    asked.push(target);
    shown.push(socket instanceof TLSSocket && socket.getPeerX509Certificate() !== undefined);
    if (answer === 'hangs') return void socket.resume().on('end', () => socket.end());
    if (answer === 'hangs up') return void socket.destroy();
    if (answer) return void socket.end(`HTTP/1.1 ${answer}\r\n\r\n`);
    const sent = Buffer.from(req.headers['proxy-authorization']?.replace('Basic ', '') ?? '', 'base64');
    if (credentials !== undefined && sent.toString() !== credentials)
      return void socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n',
      );
    const { hostname, port } = new URL(`http://${target}`);
    const onward: Socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      opened += 1;
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    keep(onward);
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    shown,
    others,
    get opened() {
      return opened;
    },
    get connections() {
      return sockets.size;
    },
    address: (user) => `http${tls ? 's' : ''}://${user ? `${user}@` : ''}localhost:${port}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
