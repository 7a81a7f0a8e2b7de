import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { contestants, type Surroundings, settingsOf, start } from './contestants.ts';
import { measuredOn } from './machine.ts';
import { prepareMaker } from './made-sessions.ts';
import type { Bench } from './mode.ts';
import { pinned } from './processes.ts';
import { round, type Section, table } from './results.ts';
import { inOrder } from './rounds.ts';

interface Ended {
  seconds: number;
  logLines: number;
  logBytes: number;
}

/** `npm run sessions -- end --all`, as an operator runs it. */
export async function ending({ around, redis, quick }: Bench): Promise<Section> {
  await redis.empty();
  const running = await start('app', around);
  const { make } = await prepareMaker(running, around);
  await running.server.stop();
  const count = quick ? 10_000 : 100_000;
  const runs = await inOrder([1, 2, 3], async () => {
    await redis.empty();
    const nothing = await endAll(around);
    const before = await redis.usedMemory();
    await make(count);
    const full = await redis.usedMemory();
    const ended = await endAll(around);
    const after = await redis.usedMemory();
    if (ended.logLines < count) throw new Error(`${ended.logLines} of ${count} sessions were ended`);
    return {
      micros: ((ended.seconds - nothing.seconds) / count) * 1e6,
      logBytes: ended.logBytes / count,
      sessionBytes: (full - before) / count,
      keyBytes: (after - before) / count,
    };
  });
  const middle = (figure: keyof (typeof runs)[number]) =>
    round(runs.map((run) => run[figure]).sort((a, b) => a - b)[1]);
  const text = `${measuredOn()} The command on the servers' core, its log into a pipe; medians of three runs, less what the command takes where there is nothing to end.\n\n${table(
    ['sessions', 'µs a session', 'bytes of log', 'bytes in Redis before', 'for 24 hours after'],
    [[String(count), middle('micros'), middle('logBytes'), middle('sessionBytes'), middle('keyBytes')]],
  )}`;
  return { title: 'Growth: ending all sessions', text };
}

async function endAll(around: Surroundings): Promise<Ended> {
  const file = fileURLToPath(new URL('../src/kit/operator/main.ts', import.meta.url));
  const command = [...(pinned ? ['taskset', '-c', '0'] : []), process.execPath, file, 'end', '--all'];
  const [program = '', ...args] = command;
  const env = {
    PATH: process.env.PATH,
    ...settingsOf(contestants.app, 0, around),
    LOG_LEVEL: 'info',
    PORT: '3000',
  };
  const begun = performance.now();
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let [logLines, logBytes] = [0, 0];
  child.stdout.on('data', (chunk: Buffer) => {
    logBytes += chunk.length;
    for (const byte of chunk) if (byte === 0x0a) logLines += 1;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`npm run sessions -- end --all ended with ${code}`);
  return { seconds: (performance.now() - begun) / 1000, logLines, logBytes };
}
