import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { readBounded } from './bounded-file.ts';
import { cannotBeRead } from './key-file.ts';

const setting = 'EXTRA_CA_FILE';

/** More than all CAs of a system together. */
const mostBytes = 1024 * 1024;

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/** The certificates of the file that EXTRA_CA_FILE names, each in PEM, or what is wrong with it. */
export function readExtraCas(path: string | undefined): { found: string[]; problems: string[] } {
  if (path === undefined) return { found: [], problems: [] };
  const text = textOf(path);
  if (typeof text !== 'string') return { found: [], problems: [text.problem] };
  const found = certificatesIn(text);
  const problem = problemOf(text, found);
  return problem === undefined ? { found, problems: [] } : { found: [], problems: [problem] };
}

/** What lets a certificate pass and will not do what it is for; each a sentence about the setting. */
export function doubtsAbout(cas: readonly string[], now = Date.now()): string[] {
  return cas.flatMap((pem, index) => {
    const { ca, issuer, subject, validToDate } = new X509Certificate(pem);
    const which = cas.length === 1 ? 'the certificate' : `certificate ${index + 1}`;
    if (validToDate.getTime() < now) {
      const day = validToDate.toISOString().slice(0, 10);
      return [`${which} in ${setting} expired on ${day}: put the new one of that CA there`];
    }
    if (!ca && issuer !== subject) {
      return [
        `${which} in ${setting} is not one of a CA and has no effect: put in that of the CA that issued it`,
      ];
    }
    return [];
  });
}

function textOf(path: string): string | { problem: string } {
  try {
    // Each process of WORKERS reads it, and a pipe gives the second one nothing.
    if (!statSync(path).isFile()) return { problem: cannotBeRead(setting) };
    const content = readBounded(path, mostBytes);
    if (content === undefined) {
      return {
        problem: `${setting} names a file of more than 1 MB: keep only the certificates of your own CAs.`,
      };
    }
    // Each certificate in DER begins with a SEQUENCE whose length takes two bytes (X.690 §8.1.3.5).
    return content[0] === 0x30 && content[1] === 0x82
      ? {
          problem: `${setting} names a certificate in DER: write it in PEM, with openssl x509 -inform der -in ca.cer -out ca.pem.`,
        }
      : content.toString('utf8');
  } catch {
    const list = path.includes(',') ? ' Name one file: it may contain several certificates.' : '';
    return { problem: cannotBeRead(setting) + list };
  }
}

/** Other programs write other things beside them, such as the subject's name in words. */
function certificatesIn(text: string): string[] {
  return text
    .split(begin)
    .slice(1)
    .map((rest) => {
      const length = rest.indexOf(end);
      return `${begin}${length < 0 ? rest : rest.slice(0, length)}${end}\n`;
    });
}

function problemOf(text: string, found: readonly string[]): string | undefined {
  if (text.trim() === '')
    return `${setting} names an empty file: put the certificates of your CAs into it, in PEM.`;
  if (text.includes('PRIVATE KEY-----')) {
    return `${setting} names a file with a private key in it: name one with certificates only.`;
  }
  if (found.length === 0) return `${setting} must name a PEM file with certificates in it (${begin}).`;
  const broken = found.findIndex((pem) => !isCertificate(pem));
  return broken < 0
    ? undefined
    : `${setting} names a file whose certificate ${broken + 1} cannot be read: copy it again, from BEGIN to END.`;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
