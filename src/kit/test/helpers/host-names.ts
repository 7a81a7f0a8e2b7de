import dns from 'node:dns';
import { type Certificate, makeCertificate, trust } from './certificates.ts';

const played = new Map<string, Certificate>();
const { lookup } = dns;

/**
 * Has this process find a host on loopback and believe that it is the one, so that a test can play a provider by its
 * real name. Returns what to serve https with; one for a host, as OpenSSL tells two of one name not apart.
 */
export function playHost(host: string): Certificate {
  const known = played.get(host);
  if (known) return known;
  const certificate = makeCertificate({ name: host, hosts: [host] });
  trust(certificate);
  played.set(host, certificate);
  // The network part of Node reads this member anew for each connection.
  dns.lookup = ((name: string, ...rest: [never]) =>
    lookup(played.has(name) ? '127.0.0.1' : name, ...rest)) as typeof lookup;
  return certificate;
}
