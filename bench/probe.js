/**
 * Loaded into every server of the bench (`node --import`), so that each can be asked what it costs.
 * Plain JavaScript, and nothing happens until a question comes: it must not slow what it measures.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

process.on('message', (question) => {
  if (question === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send({ cpuMicros: user + system });
  }
  if (question === 'memory') {
    collectGarbage();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    // What JavaScript holds: buffers stand outside of V8's heap, and sealed sessions are buffers.
    process.send({
      rss,
      heapUsed: heapUsed + arrayBuffers,
      handles: process.getActiveResourcesInfo().length,
    });
  }
});

// The bench's line to this server must not keep it alive when it wants to stop.
process.channel?.unref();

function collectGarbage() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  gc();
  gc();
}
