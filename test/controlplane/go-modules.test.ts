// The sidecars, helm and kubeconform are built from the very modules of the control plane, which makes their build a matter of seconds.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const controlPlane = versionsOf('kubernetes');

test.each([
  ['provisioner', 50],
  ['attacher', 50],
  ['../helm/program', 50],
  // All that it shares.
  ['../helm/kubeconform', 4],
])('the %s uses every module that the control plane uses at the same version', (folder, atLeast) => {
  const shared = [...versionsOf(folder)].filter(([module]) => controlPlane.has(module));

  expect(shared.length).toBeGreaterThan(atLeast);
  expect(shared.filter(([module, version]) => controlPlane.get(module) !== version)).toEqual([]);
});

/** What each required module comes down to, replacements included. */
function versionsOf(folder: string): Map<string, string> {
  const text = readFileSync(new URL(`${folder}/go.mod`, import.meta.url), 'utf8');
  const required = [...text.matchAll(/^(?:require )?\s*(\S+) (v\S+)(?: \/\/ indirect)?$/gm)].map(([, module = '', version = '']) => [module, version] as const);
  const replaced = new Map([...text.matchAll(/^\s*(\S+) => \1 (v\S+)$/gm)].map(([, module = '', version = '']) => [module, version] as const));
  return new Map(required.map(([module, version]) => [module, replaced.get(module) ?? version]));
}
