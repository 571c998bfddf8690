// promtool as tests use it: given a text or files, what it finds wrong with them.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPrometheus } from './build.ts';

/** `promtool check metrics`: what it says about the text that a /metrics page gives, a line each (`name problem`), sorted. @throws when it cannot read the text. */
export async function metricsProblems(text: string): Promise<string[]> {
  const { code, said } = await promtool(['check', 'metrics'], { input: text });
  // 3: read, and found wanting.
  if (code !== 0 && code !== 3) throw new Error(`promtool check metrics fails (exit code ${code}): ${said}`);
  return said.split('\n').filter((line) => line !== '').toSorted();
}

/** `promtool check rules`: what it says about rule files that are wrong; empty when all is well. */
export async function rulesProblems(files: readonly string[]): Promise<string> {
  const { code, said } = await promtool(['check', 'rules', '--lint=all', '--lint-fatal', ...files]);
  return code === 0 ? '' : said;
}

/** `promtool test rules`: what it says about tests of rules that fail; empty when all is well. */
export async function ruleTestsProblems(files: readonly string[]): Promise<string> {
  const { code, said } = await promtool(['test', 'rules', ...files]);
  return code === 0 ? '' : said;
}

/** Writes blocks of the samples into the data folder of a Prometheus that does not run. @param samples lines of OpenMetrics with their times */
export async function writeBlocks(samples: string, { folder, data }: { folder: string; data: string }): Promise<void> {
  const file = join(folder, 'samples.om');
  await writeFile(file, `${samples}# EOF\n`);
  const { code, said } = await promtool(['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, data]);
  if (code !== 0) throw new Error(`promtool tsdb create-blocks-from fails (exit code ${code}): ${said}`);
}

async function promtool(args: readonly string[], { input = '' }: { input?: string } = {}): Promise<{ code: number | null; said: string }> {
  const binaries = await buildPrometheus();
  return new Promise((resolve, reject) => {
    const child = spawn(binaries.promtool, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
    // It may end without having read everything; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
