/**
 * Loaded into the app in development before all else (`node --import`): tells `npm run dev` each file that the app
 * loads, so that it knows which ones to watch. Told before the file is read: one with a mistake is among them.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What this process tells `npm run dev`. */
export interface LoadedMessage {
  loaded: string;
}

const told = new Set<string>();

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const { url } = found;
    if (url.startsWith('file:') && !url.includes('/node_modules/') && !told.has(url)) {
      told.add(url);
      process.send?.({ loaded: fileURLToPath(url) } satisfies LoadedMessage);
    }
    return found;
  },
});
