// The real helm and the real kubeconform, built from their Go modules as the control plane is (controlplane/go-build.ts), with the control
// plane's versions of what they are made of too, so that little is left to compile.
import { fileURLToPath } from 'node:url';
import { buildOnce, type Recipe } from '../controlplane/go-build.ts';

/** The Kubernetes that `helm template` and `helm lint` take the cluster for: the minor version of helm's own client. */
const KUBERNETES_MINOR = 36;

const HELM: Recipe = {
  folder: fileURLToPath(new URL('program', import.meta.url)),
  binary: 'helm',
  target: 'helm.sh/helm/v3/cmd/helm',
  versionedBy: 'helm.sh/helm/v3',
  versionFlags: (version) =>
    [`internal/version.version=${version}`, ...['pkg/chartutil', 'pkg/lint/rules'].flatMap((where) => [`${where}.k8sVersionMajor=1`, `${where}.k8sVersionMinor=${KUBERNETES_MINOR}`])]
      .map((setting) => `-X helm.sh/helm/v3/${setting}`)
      .join(' '),
};

const KUBECONFORM: Recipe = {
  folder: fileURLToPath(new URL('kubeconform', import.meta.url)),
  binary: 'kubeconform',
  target: 'github.com/yannh/kubeconform/cmd/kubeconform',
  versionedBy: 'github.com/yannh/kubeconform',
  versionFlags: (version) => `-X main.version=${version}`,
};

/** The path of the binary. Throws as `buildOnce` does. */
export async function buildHelm({ signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const [helm = ''] = await buildOnce([HELM], { purpose: 'The real helm', cache: 'helm', signal });
  return helm;
}

/** The path of the binary. Throws as `buildOnce` does. */
export async function buildKubeconform({ signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const [kubeconform = ''] = await buildOnce([KUBECONFORM], { purpose: 'The real kubeconform', cache: 'kubeconform', signal });
  return kubeconform;
}
