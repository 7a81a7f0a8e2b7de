import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('servers/aspnet/', import.meta.url));
/** What `dotnet publish` makes, as a user would publish it. */
const published = join(folder, 'bin/Release/net10.0/publish/aspnet.dll');

/** Publishes the article's app unless that is done; where it cannot be, says why it takes no part. */
export function publishAspNet(): string | undefined {
  if (!sdkIsThere()) return 'No .NET SDK 10 is installed here: the article’s ASP.NET Core app takes no part.';
  if (isUpToDate()) return;
  try {
    execFileSync('dotnet', [
      'publish',
      folder,
      '--configuration',
      'Release',
      '--nologo',
      '--verbosity',
      'quiet',
    ]);
  } catch (error) {
    const said = String((error as { stdout?: Buffer }).stdout ?? error).split('\n')[0];
    return `The article’s ASP.NET Core app takes no part, as it could not be published: ${said}`;
  }
}

let keys: string | undefined;

/** How it is started, beside the settings that all have. */
export function aspNetProgram(): { command: string; args: string[]; env: Record<string, string> } {
  if (!keys) {
    const made = mkdtempSync(join(tmpdir(), 'bench-keys-'));
    keys = made;
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  return {
    command: 'dotnet',
    args: [published],
    env: { KEYS_FOLDER: keys, ASPNETCORE_CONTENTROOT: join(published, '..') },
  };
}

function sdkIsThere(): boolean {
  try {
    const sdks = execFileSync('dotnet', ['--list-sdks'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return sdks.split('\n').some((line) => Number.parseInt(line, 10) >= 10);
  } catch {
    return false;
  }
}

function isUpToDate(): boolean {
  if (!existsSync(published)) return false;
  const since = statSync(published).mtimeMs;
  const sources = globSync('{*.*,Pages/**/*.*}', { cwd: folder });
  return sources.every((file) => statSync(join(folder, file)).mtimeMs < since);
}
