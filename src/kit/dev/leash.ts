/**
 * Loaded into each process that `npm run dev` starts (`node --import`): when the one who started it is
 * gone, however it went, this process ends too. Its standard input is a pipe that closes then.
 */
process.stdin.on('end', end).on('error', end).resume();
process.stdin.unref?.();

function end(): void {
  // Not process.kill, which on Windows ends a process without asking it.
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit();
  // Whoever holds on to the process after five seconds loses.
  setTimeout(() => process.exit(1), 5_000).unref();
}
