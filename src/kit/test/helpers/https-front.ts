import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AnySite } from '../../site.ts';
import { startApp, type TestApp } from './app.ts';
import { clientId, clientSecret, type IdentityProvider, startIdentityProvider } from './identity-provider.ts';
import { makeCertificates } from './redis-server.ts';

export interface HttpsPair {
  provider: IdentityProvider;
  app: TestApp;
  /** What a browser has to trust. */
  ca: string;
  /** Each request that browsers sent, such as `GET /profile`. */
  requests: string[];
  url(path: string): string;
  stop(): Promise<void>;
}

/** A proxy that ends TLS, before there is an app behind it: its address has to be known first. */
export async function startHttpsFront() {
  const certificates = await makeCertificates();
  const requests: string[] = [];
  let target = '';
  const front = createServer(
    { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) },
    (req, res) => {
      requests.push(`${req.method} ${req.url}`);
      const onward = request(target + req.url, { method: req.method, headers: req.headers, agent: false });
      onward.on('response', (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(res);
      });
      onward.on('error', () => res.destroy());
      req.pipe(onward);
    },
  );
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  return {
    origin: `https://127.0.0.1:${(front.address() as { port: number }).port}`,
    ca: certificates.caText,
    requests,
    /** Where requests go from now on. */
    lead(origin: string): void {
      target = origin;
    },
    async stop() {
      const closed = new Promise((resolve) => front.close(resolve));
      front.closeAllConnections();
      await closed;
      certificates.remove();
    },
  };
}

/** The app as users meet it in production: at an https address, behind a proxy that ends TLS. */
export async function startHttpsPair(
  env: Record<string, string> = {},
  parts?: Partial<AnySite>,
): Promise<HttpsPair> {
  const front = await startHttpsFront();
  const { origin } = front;
  const provider = await startIdentityProvider({ redirectOrigin: origin });
  const settings = {
    BASE_URL: origin,
    TRUST_PROXY_HOPS: '1',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    REDIS_URL: undefined,
    ...env,
  };
  const app = await startApp(settings, undefined, parts);
  front.lead(app.origin);
  return {
    provider,
    app,
    ca: front.ca,
    requests: front.requests,
    url: (path) => origin + path,
    async stop() {
      await front.stop();
      await app.stop();
      await provider.stop();
    },
  };
}
