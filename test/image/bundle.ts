// Makes what goes into the image, with the very script that the Dockerfile runs.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../scripts/bundle.mjs', import.meta.url));

/** Takes some seconds. @throws with what the bundler says */
export async function bundle(folder: string): Promise<{ app: string; main: string }> {
  await promisify(execFile)(process.execPath, [SCRIPT, folder]);
  const app = join(folder, 'app');
  return { app, main: join(app, 'dist/cli/main.mjs') };
}
