import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose';
import { TokenProblem } from '../../dev/api-problems.ts';
import { createTokenVerifier } from '../../dev/api-token.ts';

/** One request, as the API saw it. */
export interface Seen {
  method: string;
  status: number;
  scheme: string;
  token: string;
  /** The thumbprint of the key that signed the proof. */
  key: string | undefined;
  nonce: unknown;
  body: string;
}

export type DpopApi = Awaited<ReturnType<typeof startDpopApi>>;

/** An API that takes tokens bound to a key only, with a nonce of its own in each proof (RFC 9449 §9). */
export async function startDpopApi() {
  const seen: Seen[] = [];
  let nonce = newNonce();
  let verify: ReturnType<typeof createTokenVerifier>;
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const { authorization = '', dpop } = req.headers as { authorization?: string; dpop?: string };
    const [scheme = '', token = ''] = authorization.split(' ');
    const proof = dpop ? decodeJwt(dpop) : {};
    const jwk = dpop ? decodeProtectedHeader(dpop).jwk : undefined;
    const entry: Seen = {
      method: req.method ?? '',
      status: 200,
      scheme,
      token,
      key: jwk && (await calculateJwkThumbprint(jwk)),
      nonce: proof.nonce,
      body,
    };
    seen.push(entry);
    const refuse = (status: number, error: string) => {
      entry.status = status;
      res.writeHead(status, { 'dpop-nonce': nonce, 'www-authenticate': `DPoP error="${error}"` }).end('{}');
    };
    if (proof.nonce !== nonce) return refuse(401, 'use_dpop_nonce');
    try {
      const url = new URL(req.url ?? '', address);
      const { sub } = await verify({ authorization, proof: dpop, method: entry.method, url });
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub, body }));
    } catch (error) {
      refuse(401, error instanceof TokenProblem ? (error.code ?? '') : String(error));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url: address,
    seen,
    /** Whose tokens it takes. */
    trustIssuer(issuer: string) {
      verify = createTokenVerifier({ issuer, audience: address });
    },
    renewNonce() {
      nonce = newNonce();
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function newNonce(): string {
  return randomBytes(12).toString('base64url');
}
