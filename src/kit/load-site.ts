import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nearest } from './config/nearest.ts';
import { projectRoot } from './folders.ts';
import type { AnySite } from './site.ts';

export interface LoadedSite {
  site: AnySite;
  /** The folder that holds its `views` and `public`. */
  root: string;
}

/** A site that cannot be loaded. The message says all that there is to know. */
export class NoSite extends Error {
  override readonly name = 'NoSite';
}

/**
 * The site of an app, and the folder of its views, for the kit's own programs. They are given its path, as the kit
 * imports nothing of an app.
 *
 * @param path such as `src/site.ts`, from the current folder
 * @throws NoSite, where a file is missing, cannot be read as code, or exports no `site`
 */
export async function loadSite(path: string): Promise<LoadedSite> {
  const file = resolve(path);
  let loaded: { site?: unknown };
  try {
    loaded = await import(pathToFileURL(file).href);
  } catch (error) {
    const why = existsSync(file) ? whyNotLoaded(error as NodeJS.ErrnoException) : missing(file);
    if (why === undefined) throw error;
    throw new NoSite(why, { cause: error });
  }
  if (typeof loaded.site !== 'object' || loaded.site === null) {
    throw new NoSite(`${path} must export a \`site\`: export const site = defineSite({ … }).`);
  }
  return { site: loaded.site as AnySite, root: rootAbove(file) };
}

/** The nearest folder above a file that holds `views`; beside package.json where there is none. */
function rootAbove(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'views'))) return folder;
  }
  return projectRoot;
}

/** Undefined for an error that the code of the site itself has thrown: its stack says where. */
function whyNotLoaded(error: NodeJS.ErrnoException & { url?: string }): string | undefined {
  const { message, code, url } = error;
  const importer = seen(/ imported from (.+)$/m.exec(message)?.[1] ?? '');
  if (code === 'ERR_MODULE_NOT_FOUND' && url) {
    return missing(
      fileURLToPath(url),
      `${importer} imports ${seen(fileURLToPath(url))}, which is not there.`,
    );
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const name = /'(.+?)'/.exec(message)?.[1];
    return `${importer} imports the package ${name}, which is not installed. Correct the name, or run npm install ${name}.`;
  }
  if (code === 'ERR_UNSUPPORTED_DIR_IMPORT' && url) {
    return `${importer} imports the folder ${seen(fileURLToPath(url))}. Name a file in it.`;
  }
  if (code === 'ERR_PACKAGE_IMPORT_NOT_DEFINED') {
    const name = /"(.+?)"/.exec(message)?.[1];
    return `${importer} imports ${name}, which is not among the \`imports\` of package.json.`;
  }
  return error instanceof SyntaxError ? notCode(error) : undefined;
}

function missing(file: string, sentence = `There is no ${seen(file)}.`): string {
  const near = nearFile(file);
  return near === undefined ? sentence : `${sentence} Did you mean ${seen(near)}?`;
}

/** A file or folder of nearly the same name, or with another ending. */
function nearFile(file: string): string | undefined {
  const folder = dirname(file);
  if (folder === file) return undefined;
  if (!existsSync(folder)) {
    const near = nearFile(folder);
    const meant = near && join(near, basename(file));
    return meant && existsSync(meant) ? meant : undefined;
  }
  const names = readdirSync(folder);
  const stem = basename(file, extname(file));
  const near =
    names.find((name) => basename(name, extname(name)) === stem) ?? nearest(basename(file), new Set(names));
  return near && join(folder, near);
}

/** Where Node stopped reading a file, with the line, as it says in front of the stack. */
function notCode(error: SyntaxError): string | undefined {
  const { message, stack = '' } = error;
  const [, file = '', line, code] = /^(.+):(\d+)\n([\s\S]*?)\n+SyntaxError\b/.exec(stack) ?? [];
  if (code) return `${seen(file)}:${line}: ${message}\n\n${code}`;
  // Node keeps the place of some to itself until it prints the error: then at least without its own and our stack.
  if (/\n +at compileSourceTextModule /.test(stack)) error.stack = `SyntaxError: ${message}`;
  const json = /^(.+\.json): /.exec(message)?.[1];
  return json && existsSync(json) ? message.replace(json, seen(json)) : undefined;
}

/** As people write it, from the current folder. */
function seen(file: string): string {
  return relative('', file.startsWith('file:') ? fileURLToPath(file) : file).replaceAll('\\', '/');
}
