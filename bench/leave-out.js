/**
 * Leaves one part of the app out, named by LEAVE_OUT, so that the bench can tell what it costs: loaded into a server before
 * all else (`node --import`). Fails where the code is no longer as it was when this was written.
 */
import { registerHooks } from 'node:module';

const parts = {
  // What counts the requests of a connection that are under way.
  counting: { file: '/src/kit/start.ts', text: /^.*\bboundPipelines\(server\);\n/m, instead: '' },
  // What escapes the invisible characters of a log line.
  escaping: { file: '/src/kit/log/index.ts', text: /, streamWrite: escapeUnseen\b/, instead: '' },
};

const part = parts[process.env.LEAVE_OUT];
let found = false;

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith(part.file)) return loaded;
    const whole = String(loaded.source);
    const source = whole.replace(part.text, part.instead);
    if (source === whole) throw new Error(`LEAVE_OUT=${process.env.LEAVE_OUT}: not found in ${part.file}`);
    found = true;
    return { ...loaded, source };
  },
});

process.on('exit', () => {
  if (!found) console.error(`LEAVE_OUT=${process.env.LEAVE_OUT}: ${part.file} was never loaded`);
});
