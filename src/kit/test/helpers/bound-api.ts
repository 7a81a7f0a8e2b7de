import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer as createPlainServer } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Certificate } from './certificates.ts';
import { thumbprintShown } from './mutual-tls.ts';

/** One request, as the API saw it. */
interface Seen {
  path: string;
  status: number;
  token: string;
  /** The thumbprint in the token, and that of the certificate in TLS. */
  bound: string | undefined;
  shown: string | undefined;
}

export type BoundApi = Awaited<ReturnType<typeof startBoundApi>>;

interface Wanted {
  server: Certificate;
  clientCa: Certificate;
  host?: string;
  /** Whether TLS asks for a certificate, refuses connections without a trusted one, and is there at all. */
  asks?: boolean;
  refuses?: boolean;
  plain?: boolean;
}

/**
 * An API that takes tokens which are bound to the certificate that its caller shows in TLS (RFC 8705 §3). At `/events` it
 * streams: the second piece comes when `goOn` is called.
 */
export async function startBoundApi({
  server,
  clientCa,
  host = 'localhost',
  asks = true,
  refuses = true,
  plain = false,
}: Wanted) {
  const seen: Seen[] = [];
  let keys: ReturnType<typeof createLocalJWKSet>;
  let goOn = () => {};
  const answer: RequestListener = async (req, res) => {
    const token = req.headers.authorization?.replace(/^Bearer /, '') ?? '';
    const verified = await jwtVerify(token, keys, {
      audience: url,
      typ: 'at+jwt',
      clockTolerance: 300,
    }).catch(() => undefined);
    if (!verified) return void res.writeHead(403).end();
    const { payload } = verified;
    const bound = (payload.cnf as { 'x5t#S256'?: string } | undefined)?.['x5t#S256'];
    const shown = plain ? undefined : thumbprintShown(req);
    const status = bound !== undefined && bound === shown ? 200 : 401;
    seen.push({ path: req.url ?? '', status, token, bound, shown });
    if (status === 401) {
      res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
      return;
    }
    if (req.url !== '/events') return void res.end(`for ${payload.sub}`);
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
    goOn = () => void res.end('data: two\n\n');
  };
  const tls = { cert: server.cert, key: server.key, ca: [clientCa.cert], requestCert: asks };
  const listener = plain
    ? createPlainServer(answer)
    : createServer({ ...tls, rejectUnauthorized: refuses }, answer);
  listener.listen(0, 'localhost');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const url = `http${plain ? '' : 's'}://${host}:${port}`;

  return {
    url,
    seen,
    goOn: () => goOn(),
    /** Whose tokens it takes. */
    trustKeys({ keys: all }: JSONWebKeySet) {
      keys = createLocalJWKSet({
        keys: all.map(({ kty, n, e, alg, kid, use }) => ({ kty, n, e, alg, kid, use })) as never,
      });
    },
    /** What somebody who has a token gets with it. */
    ask(token: string, certificate?: Certificate): Promise<number | undefined> {
      const own = certificate && { cert: certificate.cert, key: certificate.key };
      const options = {
        headers: { authorization: `Bearer ${token}` },
        ca: server.cert,
        agent: false,
        ...own,
      };
      return new Promise((resolve, reject) => {
        request(url, options, (message) => resolve(message.resume().statusCode))
          .once('error', reject)
          .end();
      });
    },
    stop() {
      listener.closeAllConnections();
      listener.close();
    },
  };
}
