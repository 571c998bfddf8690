// The policies of the chart as Helm renders them: their template gives them two values only, so that no Helm is needed to try them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';
import { ACTORS, OWN_NAMESPACE } from './actors.ts';

const FOLDER = new URL('../../../charts/zonespread/files/policies/', import.meta.url).pathname;

const VALUES: Record<string, string> = {
  '.ownNamespace': OWN_NAMESPACE,
  '.daemon': ACTORS['our daemon'].user,
};

export type PolicyFolder = 'validating' | 'mutating';

/** YAML of every file of the folder. @throws Error when one uses a value that the chart does not promise */
export function renderedPolicies(folder: PolicyFolder): string[] {
  return readdirSync(join(FOLDER, folder)).toSorted().map((name) => rendered(readFileSync(join(FOLDER, folder, name), 'utf8'), name));
}

export function policyObjects(folder: PolicyFolder): KubernetesObject[] {
  return renderedPolicies(folder).flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
}

function rendered(text: string, file: string): string {
  return text.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, value: string) => {
    const known = VALUES[value];
    if (known === undefined) throw new Error(`${file} uses {{ ${value} }}; the policies have ${Object.keys(VALUES).join(' and ')} only`);
    return known;
  });
}
