// Finds what still runs: every process whose command line names a folder, as those of a control plane name theirs.
import { readFileSync, readdirSync } from 'node:fs';

/** "pid command", from /proc; none are found where there is no /proc. */
export function processesNaming(folder: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => `${pid} ${commandLine(pid)}`)
    .filter((line) => line.includes(folder));
}

/** "" when the process has just ended, or is a zombie. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch (cause) {
    if (['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) return '';
    throw cause;
  }
}
