import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const END_WITH_US = new URL('../../../src/demo/real/end-with-us.ts', import.meta.url).href;

describe('a process of the product that a demo or a test has started', () => {
  it('is killed when the one that started it is gone, though it would go on for ever', async () => {
    const child = start('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("begun");');
    await once(child.stdout ?? child, 'data');

    child.stdin?.end();

    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  });

  it('ends by itself when its work is done', async () => {
    expect(await once(start('process.exitCode = 7'), 'exit')).toEqual([7, null]);
  });
});

function start(program: string): ChildProcess {
  return spawn(process.execPath, ['--import', END_WITH_US, '--eval', program], { stdio: ['pipe', 'pipe', 'inherit'] });
}
