// The sidecars and helm are built from the very modules of the control plane, which makes their build a matter of seconds.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const controlPlane = versionsOf('kubernetes');

test.each(['provisioner', 'attacher', '../helm/program'])('the %s uses every module that the control plane uses at the same version', (folder) => {
  const shared = [...versionsOf(folder)].filter(([module]) => controlPlane.has(module));

  expect(shared.length).toBeGreaterThan(50);
  expect(shared.filter(([module, version]) => controlPlane.get(module) !== version)).toEqual([]);
});

/** What each required module comes down to, replacements included. */
function versionsOf(folder: string): Map<string, string> {
  const text = readFileSync(new URL(`${folder}/go.mod`, import.meta.url), 'utf8');
  const required = [...text.matchAll(/^(?:require )?\s*(\S+) (v\S+)(?: \/\/ indirect)?$/gm)].map(([, module = '', version = '']) => [module, version] as const);
  const replaced = new Map([...text.matchAll(/^\s*(\S+) => \1 (v\S+)$/gm)].map(([, module = '', version = '']) => [module, version] as const));
  return new Map(required.map(([module, version]) => [module, replaced.get(module) ?? version]));
}
