// The Dockerfile, held to what matters: `docker build` needs a daemon, which the machines that run the tests do not have.

import { readFileSync } from 'node:fs';
import { validate, ValidationSeverity } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, ROOT), 'utf8');

interface Instruction {
  word: string;
  rest: string;
}

function instructions(): Instruction[] {
  const lines = read('Dockerfile').replaceAll(/^#.*\n/gm, '').replaceAll('\\\n', ' ').split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }));
}

const all = instructions();
const last = all.slice(all.findLastIndex(({ word }) => word === 'FROM'));
const restsOf = (word: string, among = all): string[] => among.filter((one) => one.word === word).map(({ rest }) => rest);

describe('the Dockerfile', () => {
  it('has nothing that a linter finds', () => {
    const found = (text: string): string[] => validate(text, { instructionCasing: ValidationSeverity.ERROR, deprecatedMaintainer: ValidationSeverity.ERROR }).map(({ range, message }) => `line ${range.start.line + 1}: ${typeof message === 'string' ? message : message.value}`);
    expect(found(read('Dockerfile'))).toEqual([]);
    expect(found(read('Dockerfile').replace(/^USER /m, 'USR ').replace('EXPOSE ', 'EXPOSE x')), 'what is wrong is found').toHaveLength(2);
  });

  it('names its bases by a tag that is not "latest", as arguments that a release gives digests', () => {
    const bases = restsOf('ARG').map((text) => text.split('='));
    expect(bases.map(([name]) => name)).toEqual(['NODE', 'DISTROLESS']);
    for (const [, image = ''] of bases) expect(image).toMatch(/^[a-z0-9./-]+:(?!latest)[\w.-]+$/);
    expect(restsOf('FROM')).toEqual(['--platform=$BUILDPLATFORM ${NODE} AS bundle', '${DISTROLESS}']);
  });

  it('is built and runs on the Node of the tests', () => {
    expect(restsOf('ARG')[0]).toBe(`NODE=node:${process.version.slice(1)}-trixie-slim`);
    expect(restsOf('ARG')[1]).toContain(`nodejs${process.version.slice(1).split('.')[0]}-`);
  });

  it('has a last stage with the bundle and nothing else, and nothing to run a command with', () => {
    expect(restsOf('COPY', last)).toEqual(['--from=bundle /source/dist/image/app /app']);
    expect(restsOf('RUN', last)).toEqual([]);
    expect(restsOf('ADD')).toEqual([]);
  });

  it('starts the program of the bundle, without a shell, as a user by number', () => {
    expect(JSON.parse(restsOf('ENTRYPOINT', last)[0] ?? '')).toEqual(['/nodejs/bin/node', '/app/dist/cli/main.mjs']);
    expect(JSON.parse(restsOf('CMD', last)[0] ?? '')).toEqual(['--help']);
    expect(restsOf('USER', last)).toEqual(['65532:65532']);
  });

  it('installs exactly what is locked, and runs no script of a package', () => {
    expect(restsOf('RUN')).toEqual(['npm ci --ignore-scripts --no-fund --no-audit', 'node scripts/bundle.mjs']);
  });

  it('copies only what .dockerignore lets through, and lets nothing else through', () => {
    const copied = restsOf('COPY').filter((rest) => !rest.startsWith('--from')).flatMap((rest) => rest.split(' ').slice(0, -1));
    const [everything, ...allowed] = read('.dockerignore').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(everything).toBe('*');
    expect(allowed.map((line) => line.slice(1)).toSorted()).toEqual(copied.toSorted());
  });

  it('has the user and the ports that the chart counts on', () => {
    const template = read('charts/zonespread/templates/webhook.yaml');
    for (const port of restsOf('EXPOSE', last)[0]?.split(' ') ?? []) expect(template).toContain(`containerPort: ${port}`);
    const names = read('charts/zonespread/templates/_names.tpl');
    expect(names).toContain('runAsUser: 65532\nrunAsGroup: 65532');
    expect((parse(read('charts/zonespread/Chart.yaml')) as { appVersion: string }).appVersion).toBe((JSON.parse(read('package.json')) as { version: string }).version);
  });
});
