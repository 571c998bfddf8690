// What the chart says twice is said alike: versions, the RAM policy, and the number by which an upgrade knows the custom resources' schemas.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../', import.meta.url);
const CHART = new URL('charts/zonespread/', ROOT);

/** Goes up with every change of a schema, together with the annotation of all three; the hash tells when. */
const SCHEMA = { number: '1', hash: '75b8114d7d11e52f' };

interface Definition {
  metadata: { annotations: Record<string, string> };
  spec: object;
}

test("the chart's program is the one of this repository", () => {
  const { version } = JSON.parse(text(new URL('package.json', ROOT))) as { version: string };
  expect(parse(text(new URL('Chart.yaml', CHART)))).toMatchObject({ version, appVersion: version });
});

test('the RAM policy allows what the program calls, and nothing else', () => {
  const { Statement } = JSON.parse(text(new URL('files/ram-policy.json', CHART))) as { Statement: { Effect: string; Action: string[] }[] };
  const called = new Set([...text(new URL('src/alicloud/disks.ts', ROOT)).matchAll(/'((?:Apply|Attach|Create|Delete|Describe|Detach|Modify|Resize|Tag|Untag)[A-Z][A-Za-z]+)'/g)].map(([, action]) => `ecs:${action}`));
  expect(called.size).toBeGreaterThan(8);
  expect(Statement).toHaveLength(1);
  expect(Statement[0]).toMatchObject({ Effect: 'Allow', Action: [...called].toSorted() });
});

test('the documents show that very policy', () => {
  expect(text(new URL('docs/install.md', ROOT))).toContain(`\`\`\`json\n${text(new URL('files/ram-policy.json', CHART)).trim()}\n\`\`\``);
});

test('a changed schema of a custom resource has another number, so that no upgrade runs a newer program on an older schema', () => {
  const definitions = readdirSync(new URL('crds/', CHART)).toSorted().map((file) => parse(text(new URL(`crds/${file}`, CHART))) as Definition);
  const hash = createHash('sha256').update(JSON.stringify(definitions.map(({ spec }) => spec))).digest('hex').slice(0, 16);
  expect({ number: definitions.map(({ metadata }) => metadata.annotations['zonespread.io/schema']), hash }, 'raise zonespread.io/schema in all three of crds/, and note number and hash here').toEqual({ number: definitions.map(() => SCHEMA.number), hash: SCHEMA.hash });
});

function text(url: URL): string {
  return readFileSync(url, 'utf8');
}
