// kubeconform as tests use it: manifests held against the schemas of Kubernetes (schemas.ts), strictly.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildKubeconform } from './build.ts';
import { LAYOUT } from './schemas.ts';

/** Kinds whose schema is not Kubernetes' own, each with why it is not looked at. Any other kind without a schema is a problem. */
export const NOT_OURS: Readonly<Record<string, string>> = {
  'monitoring.coreos.com/v1/ServiceMonitor': 'of the Prometheus operator, whose schemas are in none of our Go modules; test/helm/render.e2e.test.ts says what is in it',
  'monitoring.coreos.com/v1/PrometheusRule': 'the same; its groups are held against the files of the chart there, and promtool checks those (test/prometheus/)',
};

export interface Conformity {
  /** "Deployment zonespread-webhook: what is wrong". */
  readonly problems: string[];
  /** "Deployment zonespread-webhook". */
  readonly valid: string[];
  /** The same, of kinds that are not ours. */
  readonly skipped: string[];
}

interface Answer {
  readonly resources: readonly { kind: string; name: string; status: string; msg: string }[];
}

/** What kubeconform finds in a stream of manifests. `schemas`: the folder that writeSchemas has filled. @throws when it says nothing */
export async function conformity(manifests: string, schemas: string): Promise<Conformity> {
  const { resources } = await kubeconform(['-schema-location', join(schemas, LAYOUT), '-skip', Object.keys(NOT_OURS).join(',')], manifests);
  const withStatus = (status: string): string[] => resources.filter((resource) => resource.status === status).map(({ kind, name }) => `${kind} ${name}`).toSorted();
  const wrong = resources.filter(({ status }) => status === 'statusInvalid' || status === 'statusError');
  return { problems: wrong.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`).toSorted(), valid: withStatus('statusValid'), skipped: withStatus('statusSkipped') };
}

async function kubeconform(args: readonly string[], input: string): Promise<Answer> {
  const program = await buildKubeconform();
  return new Promise((resolve, reject) => {
    // More workers than one would only read the same schemas again, each for itself.
    const child = spawn(program, ['-strict', '-verbose', '-output', 'json', '-n', '1', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject);
    child.once('close', (code) => {
      // 1 for what it finds wrong, and also when it cannot begin; then it says why on standard error, and no JSON.
      if (out === '') reject(new Error(`kubeconform fails (exit code ${code}): ${err.trim()}`));
      else resolve(JSON.parse(out) as Answer);
    });
    // It may end without having read everything; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
