// Runs before the npm commands of the README, on whatever Node the machine has: installs the locked packages (Node 24 is one of
// them) when they are missing or older than the lock file, and says what it does. Plain JavaScript, because it runs before Node 24 is there.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const locked = `${root}package-lock.json`;

const current = existsSync(installed) && existsSync(`${root}node_modules/.bin/node`) && statSync(installed).mtimeMs >= statSync(locked).mtimeMs;
if (!current) {
  process.stderr.write('zonespread: installing the packages of package-lock.json …\n');
  execFileSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
}
