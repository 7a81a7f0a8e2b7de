/** The bounds that the semantic conventions advise for durations of HTTP calls, in seconds. */
export const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);

/** Any other would be a series of its own, and whoever sends it chooses how many. */
export function knownMethod(method = ''): string {
  return methods.has(method) ? method : '_OTHER';
}

/** Such as ECONNREFUSED; else the error's name. */
export function causeOf(failure: Error | undefined): string {
  return (failure?.cause as NodeJS.ErrnoException | undefined)?.code ?? failure?.name ?? '_OTHER';
}

/** Where a call goes. */
export function serverOf({ hostname, port, protocol }: URL) {
  return {
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
}
