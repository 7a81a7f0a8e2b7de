import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { navigation } from './browser.ts';
import type { Latencies } from './latencies.ts';
import { isPage } from './pages.ts';

/** Fewer than a server's queue of new connections holds; a request beyond them waits, and that counts too. */
const agent = new Agent({ keepAlive: true, maxSockets: 400 });

/**
 * Sends requests at a steady rate, whether or not earlier ones have been answered, as people do. Each is counted from
 * when it was meant to be sent, so that a server that makes all wait is not spared.
 */
export async function steadily(
  perSecond: number,
  count: number,
  send: (index: number) => Promise<void>,
): Promise<Latencies> {
  const latencies = new Float64Array(count);
  const begin = performance.now();
  const all: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const due = begin + (index * 1000) / perSecond;
    const ahead = due - performance.now();
    if (ahead > 0.5) await pause(ahead);
    const done = send(index).then(() => {
      latencies[index] = performance.now() - due;
    });
    all.push(done);
  }
  await Promise.all(all);
  return latencies.sort();
}

/** Opens the page with a session's cookie; once more where the server closed a kept connection in that moment. */
export async function openPage(url: string, cookie: string): Promise<void> {
  try {
    await ask(url, cookie);
  } catch (error) {
    if (!(error as { reusedSocket?: boolean }).reusedSocket) throw error;
    await ask(url, cookie);
  }
}

function ask(url: string, cookie: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: { ...navigation, cookie } }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => (body += chunk));
      res.on('error', reject);
      res.on('end', () => {
        if (res.statusCode === 200 && isPage(body)) resolve();
        else reject(new Error(`a page answered ${res.statusCode}: ${body.slice(0, 300)}`));
      });
    });
    outgoing.on('error', (error) => {
      reject(Object.assign(error, { reusedSocket: outgoing.reusedSocket }));
    });
    outgoing.end();
  });
}
