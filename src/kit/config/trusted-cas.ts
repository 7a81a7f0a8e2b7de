import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Log } from '../log/index.ts';
import { doubtsAbout } from './extra-cas.ts';

/** Who wants which certificates trusted: of several apps in one process, as in tests, each has its own. */
const wanted = new Set<readonly string[]>();
let usual: readonly string[] | undefined;

/**
 * Has every TLS connection of this process trust these CAs too, whatever opens it and with whatever options: providers,
 * APIs, Redis. What Node trusts anyway, and by NODE_EXTRA_CA_CERTS, stays trusted. Reading the latter's list costs some
 * 70 ms, so without CAs nothing is done.
 *
 * @param cas each in PEM
 * @param log where to warn of one that will not do what it is for
 * @returns how to end that
 */
export function trustCas(cas: readonly string[], log?: Log): () => void {
  if (cas.length === 0) return () => {};
  for (const hint of doubtsAbout(cas)) log?.warn({ hint }, 'a certificate in EXTRA_CA_FILE has no effect');
  const own = [...cas];
  wanted.add(own);
  apply();
  return () => {
    if (wanted.delete(own)) apply();
  };
}

function apply(): void {
  usual ??= getCACertificates('default');
  setDefaultCACertificates([...usual, ...[...wanted].flat()]);
}
