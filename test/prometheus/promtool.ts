// promtool as tests use it: given a text, what it finds wrong with it.
import { spawn } from 'node:child_process';
import { buildPrometheus } from './build.ts';

/** `promtool check metrics`: what it says about the text that a /metrics page gives, a line each (`name problem`), sorted. @throws when it cannot read the text. */
export async function metricsProblems(text: string): Promise<string[]> {
  const { promtool } = await buildPrometheus();
  const { code, said } = await run(promtool, ['check', 'metrics'], text);
  // 3: read, and found wanting.
  if (code !== 0 && code !== 3) throw new Error(`promtool check metrics fails (exit code ${code}): ${said}`);
  return said.split('\n').filter((line) => line !== '').toSorted();
}

function run(program: string, args: readonly string[], input: string): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
    // It may end without having read everything; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
