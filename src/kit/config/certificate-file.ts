import { X509Certificate } from 'node:crypto';
import { cannotBeRead } from './key-file.ts';
import { readTextFile } from './read.ts';

export interface CertificateFile {
  /** As it is in the file, with what may follow the certificate: those of the authorities above it. */
  pem: string;
  parsed: X509Certificate;
}

const certFile = 'OIDC_CLIENT_CERT_FILE';

/** The certificate, or what is wrong with it. */
export function readCertificate(path: string): CertificateFile | string {
  const pem = readTextFile(path);
  if (pem === undefined) return cannotBeRead(certFile);
  try {
    return { pem, parsed: new X509Certificate(pem) };
  } catch {
    return `${certFile} must name a PEM file with a certificate in it.`;
  }
}
