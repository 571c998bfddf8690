// What was logged, for whoever has to find out why a demo failed.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The last lines of a log that may go on for ever. */
export class RecentLines {
  static readonly LIMIT = 20_000;
  #lines: string[] = [];

  /** A line with its end. */
  add(text: string): void {
    this.#lines.push(text);
    if (this.#lines.length > 2 * RecentLines.LIMIT) this.#lines = this.#lines.slice(-RecentLines.LIMIT);
  }

  text(): string {
    return this.#lines.slice(-RecentLines.LIMIT).join('');
  }
}

/** Files in a folder that stays. @returns its path. */
export async function keepFiles(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zonespread-demo-logs-'));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  return folder;
}
