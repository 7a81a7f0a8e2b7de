import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../folders.ts';

/** A block of code, with the language that its fence names. */
export interface CodeBlock {
  language: string;
  code: string;
}

const kitFile = join(projectRoot, 'src/kit/kit.json');
const kit: { name?: string; shared?: Record<string, string> } = existsSync(kitFile)
  ? JSON.parse(readFileSync(kitFile, 'utf8'))
  : {};
const { name } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));

/** True in an app that was made from the template. There, only what belongs to the kit has to be as the docs say. */
export const inCopy = kit.name !== undefined && kit.name !== name;

/** Where the docs are that came with the kit. One that the app's owner changed or deleted is theirs. */
export function kitDocs(): string[] {
  if (!existsSync(join(projectRoot, 'docs'))) return [];
  return readdirSync(join(projectRoot, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .filter((path) => !inCopy || hashOf(path) === kit.shared?.[path])
    .sort();
}

/** The text of a file that came with the kit; undefined where it is the app's own by now, as its owner changed it. */
export function sharedFile(path: string): string | undefined {
  if (inCopy && (!existsSync(join(projectRoot, path)) || hashOf(path) !== kit.shared?.[path]))
    return undefined;
  return readDoc(path);
}

/** The text of a page of docs; undefined where it is the app's own by now. */
export function kitDoc(file: string): string | undefined {
  return kitDocs().includes(file) ? readDoc(file) : undefined;
}

export function readDoc(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8').replaceAll('\r\n', '\n');
}

/** The text below a heading, up to the next one of its rank or above. */
export function section(text: string, title: string): string {
  const [start, rank = ''] = new RegExp(`^(#+) ${title}$`, 'm').exec(text) ?? [];
  if (start === undefined) return '';
  const rest = text.slice(text.indexOf(`${start}\n`) + start.length);
  // In code, such a line is a comment.
  const words = rest.replace(/^```[\s\S]*?^```$/gm, (code) => code.replaceAll('#', ' '));
  const end = new RegExp(`^#{1,${rank.length}} `, 'm').exec(words)?.index;
  return rest.slice(0, end);
}

/** What stands in backquotes in a column of the tables of a text. */
export function namedIn(text: string, column: number): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .flatMap((row) => inBackquotes(row.split(' | ')[column] ?? ''));
}

export function inBackquotes(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

/** The file that a block is, as its first line says in a comment: `// src/pages/about.ts`, `<%# views/about.ejs %>`. */
export function fileOf(code: string): string | undefined {
  return /^(?:\/\/|--|#|<%#|<!--|\/\*) ([\w./-]+\.\w+)(?: %>| -->| \*\/)?\n/.exec(code)?.[1];
}

/** A text without its blocks of code, where words are words. */
export function withoutCode(text: string): string {
  return text.replace(/^```\w*\n[\s\S]*?^```$/gm, '');
}

function hashOf(path: string): string {
  return createHash('sha256').update(readDoc(path)).digest('hex');
}
