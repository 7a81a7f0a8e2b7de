import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** CPU and memory of a process and all it has started, as Linux counts them; elsewhere these are not known. */
export const proc = {
  cpuMicros: (pid: number) => sumOver(pid, (each) => (ticksOf(each) * 1e6) / ticksPerSecond()),
  rss: (pid: number) => sumOver(pid, rssOf),
};

function sumOver(pid: number, figure: (pid: number) => number): number {
  if (!existsSync('/proc/self/stat')) return Number.NaN;
  return [pid, ...startedBy(pid)].reduce((sum, each) => sum + figure(each), 0);
}

function startedBy(pid: number): number[] {
  // The main thread's, where libuv and .NET start their processes from.
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.flatMap((child) => [Number(child), ...startedBy(Number(child))]);
}

/** User and system time of all threads, in what `times(2)` counts in: some ten milliseconds. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

let ticks: number | undefined;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}
