// The cluster of the end-to-end tests: a control plane of our own, or the one that ZONESPREAD_E2E_KUBECONFIG names.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request, Write } from '../controlplane/audit.ts';
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
  /** With the reads of service accounts of the namespaces that are followed. */
  requests(): Promise<Request[] | undefined>;
  stop(): Promise<void>;
}

/** `follow`: see the option of startControlPlane. */
export async function clusterUnderTest(log: (line: string) => void, follow: readonly string[] = []): Promise<ClusterUnderTest> {
  const borrowed = process.env['ZONESPREAD_E2E_KUBECONFIG'] ?? '';
  return borrowed === '' ? ownCluster(log, follow) : borrowedCluster(borrowed, log);
}

async function ownCluster(log: (line: string) => void, follow: readonly string[]): Promise<ClusterUnderTest> {
  const controlPlane = await startControlPlane({ log, follow });
  const { directory, binaries, kubeconfig } = controlPlane;
  return {
    directory,
    binaries,
    kubeconfig,
    log,
    borrowed: false,
    kubectl: (args, input) => controlPlane.kubectl(args, input),
    writes: () => controlPlane.writes(),
    requests: () => controlPlane.requests(),
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
    requests: async () => undefined,
    stop: () => rm(directory, { recursive: true, force: true }),
  };
}
