import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { navigation } from './browser.ts';
import { contestants, programOf, type Surroundings } from './contestants.ts';
import { load } from './crowd.ts';
import { measuredOn } from './machine.ts';
import type { Bench } from './mode.ts';
import { isPage, signedIn } from './pages.ts';
import { freePort, pinned, type Server, startBeside, startServer, until } from './processes.ts';
import { few, round, type Section, table, times } from './results.ts';
import { inOrder, type Sample } from './rounds.ts';

const counts = [1, 2, 4] as const;

/** Pages through nginx with one, two and four instances behind it, without sticky sessions. */
export async function instances({ around, redis, quick }: Bench): Promise<Section> {
  await redis.empty();
  const seconds = quick ? 1 : 4;
  const front = await startNginx(around, Math.max(...counts));
  const running = {
    ...contestants.app,
    name: 'app' as const,
    origin: front.origin,
    page: `${front.origin}/profile`,
  };
  await front.use(1);
  const { cookie } = await signedIn({ ...running, server: front.servers[0] as Server });
  const shot = { url: running.page, headers: { ...navigation, cookie }, verifyBody: isPage };
  const cpuOf = async () =>
    (await inOrder(front.servers, (server) => server.cpuMicros())).reduce((a, b) => a + b);

  async function measure(count: number): Promise<Sample> {
    await front.use(count);
    const crowd = { ...shot, connections: 32 * count };
    await load(crowd, seconds / 4);
    const cpu = await cpuOf();
    const { requests, perSecond, p99 } = await load(crowd, seconds);
    return { perSecond, p99, cpuMicros: ((await cpuOf()) - cpu) / requests };
  }

  // All are warm before the first window that counts.
  for (const _each of counts) await front.use(Math.max(...counts)).then(() => load(shot, quick ? 2 : 12));
  const places: Place[] = ['apart', ...(pinned ? (['free'] as const) : [])];
  const rounds = await inOrder(places, async (place) => {
    if (place === 'free') for (const pid of [process.pid, ...front.pids()]) moveAnywhere(pid);
    return inOrder([1, 2, 3], () => inOrder(counts, measure));
  });
  await front.stop();
  return sectionOf(places, rounds);
}

type Place = 'apart' | 'free';

/** nginx, and so many instances of which it uses as many as it is told to. */
async function startNginx(around: Surroundings, most: number) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const ports = await inOrder(Array.from({ length: most }), freePort);
  const program = programOf(contestants.app, port, around);
  const servers = ports.map((own) => {
    const env = { ...program.env, PORT: String(own) };
    return startServer({ ...program, env });
  });
  for (const own of ports) await until('an instance', () => fetch(`http://127.0.0.1:${own}/healthz`));
  const file = join(folder, 'nginx.conf');
  const write = (count: number) => writeFileSync(file, confOf(folder, port, ports.slice(0, count)));
  write(1);
  const nginx = startBeside('nginx', ['-e', `${folder}/error.log`, '-p', folder, '-c', file]);
  return {
    origin,
    servers,
    pids: () => [...servers.map(({ pid }) => pid), nginx.pid, ...workersOf(nginx.pid)],
    async use(count: number): Promise<void> {
      write(count);
      const before = workersOf(nginx.pid);
      process.kill(nginx.pid, 'SIGHUP');
      // The worker with the former settings goes when its connections are closed.
      await until('nginx', async () => {
        const now = workersOf(nginx.pid);
        if (now.length === 0 || now.some((pid) => before.includes(pid))) throw new Error('not yet');
        await (await fetch(`${origin}/healthz`)).text();
      });
    },
    async stop(): Promise<void> {
      await nginx.stop();
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As in deploy/nginx.conf, without TLS. */
function confOf(folder: string, port: number, ports: readonly number[]): string {
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${folder}/nginx.pid; worker_shutdown_timeout 1s;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream app {
    ${ports.map((each) => `server 127.0.0.1:${each} max_fails=0;`).join(' ')}
    keepalive 64; keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header Host $http_host;
      proxy_buffer_size 16k;
      proxy_buffers 8 16k;
    }
  }
}`;
}

function workersOf(master: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(master)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

function moveAnywhere(pid: number): void {
  execFileSync('taskset', ['-acp', `0-${availableParallelism() - 1}`, String(pid)], { stdio: 'ignore' });
}

function sectionOf(places: readonly Place[], rounds: Sample[][][]): Section {
  const titles = { apart: 'on one core, nginx, load and Redis on the other', free: 'all on both cores' };
  const rows = places.flatMap((place, at) =>
    counts.map((count, index) => {
      const middle = (figure: (round: Sample[]) => number) =>
        (rounds[at] ?? []).map(figure).sort((a, b) => a - b)[1] ?? Number.NaN;
      const of = (name: string) => middle((round) => round[index]?.[name] ?? Number.NaN);
      const ratio = (name: string) =>
        times(middle((round) => (round[index]?.[name] ?? 0) / (round[0]?.[name] ?? 0)));
      return [
        `${count}, ${titles[place]}`,
        ...[round(of('perSecond')), ratio('perSecond')],
        ...[round(of('cpuMicros')), ratio('cpuMicros'), few(of('p99'))],
      ];
    }),
  );
  const text = `${measuredOn()} Three rounds in turn, 32 connections for each instance; medians, and ratios within a round to one instance. Two cores are shared by nginx, the load, Redis and all instances, so this says what more instances cost on such a machine, and not what more cores bring.\n\n${table(
    ['instances', 'pages/s', 'ratio', 'CPU µs a page, all instances', 'ratio', 'p99 ms'],
    rows,
  )}`;
  return { title: 'Growth: instances behind nginx', text };
}
