import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificates {
  ca: string;
  caText: string;
  cert: string;
  key: string;
  remove(): void;
}

/** A private certificate authority, and its certificate for localhost; made by openssl, for a day. */
export async function makeCertificates(): Promise<TestCertificates> {
  const folder = mkdtempSync(join(tmpdir(), 'private-ca-'));
  const file = (name: string) => join(folder, name);
  const openssl = (line: string, ...more: string[]) =>
    execFileSync('openssl', [...line.split(' '), ...more], { stdio: 'pipe', cwd: folder });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  openssl(`req -x509 ${key} -days 1 -keyout ca.key -out ca.pem -subj`, '/CN=A private CA');
  openssl(`req ${key} -keyout server.key -out server.csr -subj /CN=localhost`);
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  openssl(
    'x509 -req -in server.csr -days 1 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem',
  );
  return {
    ca: file('ca.pem'),
    caText: readFileSync(file('ca.pem'), 'utf8'),
    cert: file('server.pem'),
    key: file('server.key'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
