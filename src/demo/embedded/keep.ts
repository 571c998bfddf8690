// After the story: the cluster goes on for whoever wants to try things on it with kubectl.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeconfigOf, startApiServerListener } from '../../simulation/apiserver/listen.ts';
import type { ClosingTime } from '../closing-time.ts';
import { EMPTY, line, piece, type Line } from '../../cli/rendering/text.ts';
import { NAMESPACE, SET } from '../workload.ts';
import { ZONES } from '../zones.ts';
import type { Play } from './play.ts';

/** Nobody looks at the data any more, and it would pile up. */
const WRITE_EVERY_MS = 60_000;

/** Goes on until its caller has enough. */
export async function keepUp({ world, teller, screen }: Play, closing: ClosingTime): Promise<never> {
  const { simulated } = world.cluster;
  simulated.behaviour.slow({}, { writeMs: WRITE_EVERY_MS });
  const listener = await startApiServerListener({ server: simulated.server });
  closing.add('the API server', () => listener.close());
  const folder = await mkdtemp(join(tmpdir(), 'zonespread-demo-'));
  closing.add('the folder of the kubeconfig', () => rm(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(listener.url, { namespace: NAMESPACE }), { mode: 0o600 });
  screen.say(...invitation(kubeconfig, listener.url));
  return teller.follow();
}

function invitation(kubeconfig: string, url: string): Line[] {
  const commands = [
    `export KUBECONFIG=${kubeconfig}`,
    'kubectl get spreadreports,ordinalmigrations --all-namespaces',
    `kubectl describe statefulset ${SET}`,
    `kubectl annotate statefulset ${SET} --overwrite zonespread.io/zones=${ZONES.slice(1).join(',')}`,
    `kubectl scale statefulset ${SET} --replicas 8`,
  ];
  return [
    EMPTY,
    line(piece('The cluster stays up', 'strong'), ` (${url}). To try things on it, from another terminal:`),
    EMPTY,
    ...commands.map((command) => line(piece(`  ${command}`, 'strong'))),
    EMPTY,
    line(piece('Ctrl-C ends it.', 'faint')),
    EMPTY,
  ];
}
