// Which programs the control plane and the CSI sidecars are, and from which Go modules they are built.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOnce, moduleSource, type Recipe } from './go-build.ts';

/** Absolute paths of the binaries. */
export interface Binaries {
  /** etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl or supervise, by its first argument or the name it is called by. */
  readonly controlplane: string;
  /** A link to `controlplane`, by the name that makes it kubectl. */
  readonly kubectl: string;
  readonly provisioner: string;
  readonly attacher: string;
}

const KUBERNETES: Recipe = {
  folder: moduleFolder('kubernetes'),
  binary: 'controlplane',
  target: '.',
  versionedBy: 'k8s.io/kubernetes',
  versionFlags: (version) => {
    const [major, minor] = version.slice(1).split('.');
    // What the programs report, and what they put into the user agent of their requests.
    return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
      .map((where) => `-X ${where}.gitVersion=${version} -X ${where}.gitMajor=${major} -X ${where}.gitMinor=${minor}`)
      .join(' ');
  },
  links: ['kubectl'],
};

const PROVISIONER: Recipe = {
  folder: moduleFolder('provisioner'),
  binary: 'csi-provisioner',
  target: 'github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner',
  versionedBy: 'github.com/kubernetes-csi/external-provisioner/v6',
  versionFlags: (version) => `-X main.version=${version}`,
};

const ATTACHER: Recipe = {
  folder: moduleFolder('attacher'),
  binary: 'csi-attacher',
  target: 'github.com/kubernetes-csi/external-attacher/v4/cmd/csi-attacher',
  versionedBy: 'github.com/kubernetes-csi/external-attacher/v4',
  versionFlags: (version) => `-X main.version=${version}`,
};

/** Builds what is not there yet: about five minutes on two cores when nothing is cached, milliseconds afterwards. Throws as `buildOnce` does. */
export async function buildControlPlane({ signal }: { signal?: AbortSignal } = {}): Promise<Binaries> {
  const built = await buildOnce([KUBERNETES, PROVISIONER, ATTACHER], { purpose: 'The real control plane', cache: 'controlplane', signal });
  const [controlplane = '', provisioner = '', attacher = ''] = built;
  return { controlplane, kubectl: join(controlplane, '..', 'kubectl'), provisioner, attacher };
}

/** The folder with the source of the Kubernetes that the control plane is. Throws as `moduleSource` does. */
export function kubernetesSource(purpose: string): Promise<string> {
  return moduleSource('k8s.io/kubernetes', { folder: KUBERNETES.folder, purpose });
}

function moduleFolder(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
