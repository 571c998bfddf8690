// `npm run controlplane`: a bare control plane (no nodes) that stays up until Ctrl-C, for a look with kubectl or as the cluster of
// ZONESPREAD_E2E_KUBECONFIG.
import { dirname } from 'node:path';
import { startControlPlane, type ControlPlane } from './start.ts';

const stopRequested = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopRequested.resolve());

const controlPlane = await startControlPlane();
try {
  process.stdout.write(introduction(controlPlane));
  await stopRequested.promise;
} finally {
  await controlPlane.stop();
}

function introduction({ server, kubeconfig, binaries }: ControlPlane): string {
  return `
A Kubernetes control plane without nodes listens at ${server}. Ctrl-C ends it and removes everything it wrote.

  export KUBECONFIG=${kubeconfig}
  export PATH=${dirname(binaries.kubectl)}:$PATH    # kubectl of the same version
  kubectl get statefulsets --all-namespaces

The end-to-end tests use it with

  ZONESPREAD_E2E_KUBECONFIG=${kubeconfig} npm run test:e2e

`;
}
