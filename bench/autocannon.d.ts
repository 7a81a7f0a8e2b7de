/** The little of autocannon that the bench uses; the package brings no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Options {
    url: string;
    connections: number;
    duration: number;
    method?: 'GET' | 'POST';
    headers?: Record<string, string>;
    body?: string;
    verifyBody?: (body: string) => boolean;
    /** Called for each connection before it sends something. */
    setupClient?: (client: Client) => void;
    /** Milliseconds between its samples; it ends at one. */
    sampleInt?: number;
  }

  export interface Client {
    /** What the connection sends, one after the other and again. */
    setRequests(requests: readonly { headers: Record<string, string> }[]): void;
  }

  export interface Result {
    requests: { total: number };
    duration: number;
    errors: number;
    timeouts: number;
    mismatches: number;
    non2xx: number;
  }

  export default function autocannon(
    options: Options,
    done: (error: Error | null, result: Result) => void,
  ): EventEmitter;
}
