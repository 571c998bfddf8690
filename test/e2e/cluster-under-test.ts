// The cluster of the end-to-end tests: a control plane of our own, or the one that ZONESPREAD_E2E_KUBECONFIG names.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Write } from '../controlplane/audit.ts';
import { buildControlPlane } from '../controlplane/build.ts';
import type { SidecarCluster } from '../controlplane/sidecars.ts';
import { runKubectl, startControlPlane } from '../controlplane/start.ts';

export interface ClusterUnderTest extends SidecarCluster {
  /** An administrator's. */
  readonly kubeconfig: string;
  /** It goes on without us: what we made has to be taken away. */
  readonly borrowed: boolean;
  /** Undefined where we cannot read the audit log. */
  writes(): Promise<Write[] | undefined>;
  stop(): Promise<void>;
}

export async function clusterUnderTest(log: (line: string) => void): Promise<ClusterUnderTest> {
  const borrowed = process.env['ZONESPREAD_E2E_KUBECONFIG'] ?? '';
  return borrowed === '' ? ownCluster(log) : borrowedCluster(borrowed, log);
}

async function ownCluster(log: (line: string) => void): Promise<ClusterUnderTest> {
  const controlPlane = await startControlPlane({ log });
  const { directory, binaries, kubeconfig } = controlPlane;
  return {
    directory,
    binaries,
    kubeconfig,
    log,
    borrowed: false,
    kubectl: (args, input) => controlPlane.kubectl(args, input),
    writes: () => controlPlane.writes(),
    stop: () => controlPlane.stop(),
  };
}

async function borrowedCluster(kubeconfig: string, log: (line: string) => void): Promise<ClusterUnderTest> {
  const binaries = await buildControlPlane();
  const directory = await mkdtemp(join(tmpdir(), 'zonespread-e2e-'));
  return {
    directory,
    binaries,
    kubeconfig,
    log,
    borrowed: true,
    kubectl: (args, input) => runKubectl({ kubectl: binaries.kubectl, kubeconfig, args, input }),
    writes: async () => undefined,
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}
