import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { trustCas } from '../../config/trusted-cas.ts';

/** Both PEM. */
export interface Certificate {
  name: string;
  cert: string;
  key: string;
}

interface Wanted {
  /** The common name. */
  name?: string;
  /** Host names it is good for, and IPv4 addresses. */
  hosts?: string[];
  addresses?: string[];
  /** Whose it is, where an issuer signs; a new P-256 key by default. */
  keys?: { privateKey: KeyObject; publicKey: KeyObject };
  /** For how long from now on, below 0 for one that has expired; to the end of 2049 by default. */
  days?: number;
  /** Who signs; itself by default. */
  issuer?: Certificate;
}

/**
 * A certificate of a P-256 key, written by hand in DER (X.509, RFC 5280), as Node cannot make one. Without an issuer
 * it signs itself, and may sign others.
 */
export function makeCertificate({
  name = 'client',
  hosts = [],
  addresses = [],
  keys = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  days,
  issuer,
}: Wanted = {}): Certificate {
  const { privateKey, publicKey } = keys;
  const alternatives = [
    ...hosts.map((host) => der(0x82, host)),
    ...addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number)))),
  ];
  const extensions = [
    ...(issuer ? [] : [extension('551d13', sequence(der(0x01, '\xff')))]), // basicConstraints: a CA
    ...(alternatives.length > 0 ? [extension('551d11', sequence(...alternatives))] : []),
  ];
  const toBeSigned = sequence(
    der(0xa0, der(0x02, '\x02')),
    der(0x02, '\x01', randomBytes(8)),
    ecdsaWithSha256,
    distinguished(issuer?.name ?? name),
    sequence(der(0x17, '250101000000Z'), der(0x17, days ? utcTime(days) : '491231235959Z')),
    distinguished(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign('sha256', toBeSigned, issuer ? createPrivateKey(issuer.key) : privateKey);
  const cert = sequence(toBeSigned, ecdsaWithSha256, der(0x03, '\0', signature)).toString('base64');
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${cert.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Has this process trust a certificate, as EXTRA_CA_FILE does for an app; returns how to end that. */
export function trust({ cert }: Certificate): () => void {
  return trustCas([cert]);
}

function utcTime(days: number): string {
  const [date = ''] = new Date(Date.now() + days * 86_400_000).toISOString().split('.');
  return `${date.slice(2).replace(/\D/g, '')}Z`;
}

function der(tag: number, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

function distinguished(name: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, name))));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value));
}
