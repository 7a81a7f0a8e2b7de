import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';

export interface TestCertificates {
  ca: string;
  caText: string;
  cert: string;
  key: string;
  remove(): void;
}

/** A private certificate authority, and its certificate for localhost, in files; for a day. */
export async function makeCertificates(): Promise<TestCertificates> {
  const folder = mkdtempSync(join(tmpdir(), 'private-ca-'));
  const authority = makeCertificate({ name: 'A private CA', days: 1 });
  const server = makeCertificate({
    name: 'localhost',
    hosts: ['localhost'],
    addresses: ['127.0.0.1'],
    days: 1,
    issuer: authority,
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: write('ca.pem', authority.cert),
    caText: authority.cert,
    cert: write('server.pem', server.cert),
    key: write('server.key', server.key),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
