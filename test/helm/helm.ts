// helm as tests use it: the chart of this repository, with values, rendered or on a cluster.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import { buildHelm } from './build.ts';

export const CHART = fileURLToPath(new URL('../../charts/zonespread', import.meta.url));
/** As in the documents. */
export const RELEASE = 'zonespread';
export const NAMESPACE = 'zonespread-system';

export interface HelmAnswer {
  code: number | null;
  out: string;
  err: string;
}

/** Runs to its end, whatever that is. `values` go in by standard input, as the file `-`. */
export async function helm(args: readonly string[], { values, kubeconfig }: { values?: object | undefined; kubeconfig?: string | undefined } = {}): Promise<HelmAnswer> {
  const program = await buildHelm();
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, ...(values === undefined ? [] : ['--values', '-'])], {
      // Its own folders would be those of whoever runs the tests.
      env: { ...process.env, KUBECONFIG: kubeconfig ?? '/dev/null', HELM_PLUGINS: '/dev/null' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
    // A command that fails early does not read its input; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(values === undefined ? '' : stringify(values));
  });
}

/** @throws Error with what helm says when it fails */
export async function helmOrThrow(args: readonly string[], options: { values?: object; kubeconfig?: string } = {}): Promise<string> {
  const { code, out, err } = await helm(args, options);
  if (code !== 0) throw new Error(`\`helm ${args.join(' ')}\` fails (exit code ${code}): ${err.trim()}`);
  return out;
}

/** Without a cluster helm knows only what every supported version has. */
const KINDS_OF_1_36 = ['--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy'];

/** The chart's objects with these values, hooks and tests among them, for Kubernetes 1.36. */
export async function render(values: object = {}): Promise<KubernetesObject[]> {
  return objectsIn(await renderText(values));
}

/** The same as helm prints it. */
export function renderText(values: object = {}): Promise<string> {
  return helmOrThrow(['template', RELEASE, CHART, '--namespace', NAMESPACE, ...KINDS_OF_1_36], { values });
}

export function objectsIn(manifests: string): KubernetesObject[] {
  return parseAllDocuments(manifests).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}
