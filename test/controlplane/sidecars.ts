// The real external-provisioner and external-attacher in front of a CSI controller driver at a Unix socket, with the flags and the
// service account of Alibaba Cloud's deployment. Like a kubelet, this starts them again when they end: both do when their driver goes away.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Binaries } from './build.ts';
import { startProgram, type Program } from './program.ts';
import { awaitReadiness } from './readiness.ts';
import { kubeconfigOfServiceAccount, type AdministeredCluster } from './service-account.ts';
import { SIDECAR_ROLES, SIDECAR_SERVICE_ACCOUNT } from './sidecar-roles.ts';

export type SidecarName = 'csi-provisioner' | 'csi-attacher';

/** What the sidecars need of a cluster: a ControlPlane has it all, and with any other cluster's kubeconfig it is quickly made. */
export interface SidecarCluster extends AdministeredCluster {
  readonly binaries: Binaries;
  readonly log: (line: string) => void;
}

export interface SidecarOptions {
  readonly controlPlane: SidecarCluster;
  /** Where the driver listens, or soon will. */
  readonly socketPath: string;
}

export interface Sidecars {
  /** kill -9; resolves when the sidecar has been started again and is ready. */
  kill(name: SidecarName): Promise<void>;
  stop(): Promise<void>;
}

/** What a sidecar logs once it has found its driver and its work begins. */
const READY_LINE: Readonly<Record<SidecarName, string>> = {
  'csi-provisioner': 'Started provisioner controller',
  'csi-attacher': 'Starting CSI attacher',
};

// A kubelet waits ten seconds and longer each time; tests need the sidecar back.
const RESTART_PAUSE_MS = 200;
/** They finish the calls under way first; a stopped cluster has no more use for them. */
const STOP_GRACE_MS = 2_000;

/** Resolves when both are ready, which they are once the driver answers. */
export async function startSidecars(options: SidecarOptions): Promise<Sidecars> {
  await options.controlPlane.kubectl(['apply', '-f', '-'], SIDECAR_ROLES);
  const kubeconfig = await kubeconfigOfServiceAccount(options.controlPlane, SIDECAR_SERVICE_ACCOUNT);
  const provisioner = new Sidecar('csi-provisioner', { ...options, kubeconfig });
  const attacher = new Sidecar('csi-attacher', { ...options, kubeconfig });
  const stop = async (): Promise<void> => {
    await Promise.all([provisioner.stop(), attacher.stop()]);
  };
  try {
    await Promise.all([provisioner.start(), attacher.start()]);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { stop, kill: (name) => (name === 'csi-provisioner' ? provisioner : attacher).kill() };
}

class Sidecar {
  private readonly name: SidecarName;
  private readonly options: SidecarOptions & { readonly kubeconfig: string };
  private readonly logFile: string;
  /** The log's size when the present program began. */
  private logStart = 0;
  private starts = 0;
  private program: Program | undefined;
  private stopping = false;

  constructor(name: SidecarName, options: SidecarOptions & { readonly kubeconfig: string }) {
    this.name = name;
    this.options = options;
    this.logFile = join(options.controlPlane.directory, `${name}.log`);
  }

  async start(): Promise<void> {
    const program = await this.launch();
    await awaitReadiness({ what: `${this.name} at ${this.options.socketPath}`, condition: () => this.isReady(), programs: [program] });
  }

  async kill(): Promise<void> {
    const before = this.starts;
    await this.program?.stop({ signal: 'SIGKILL' });
    const condition = async (): Promise<boolean> => this.starts > before && (await this.isReady());
    await awaitReadiness({ what: `${this.name}, started again`, condition, programs: [] });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.program?.stop({ graceMs: STOP_GRACE_MS });
  }

  private async launch(): Promise<Program> {
    const { controlPlane, kubeconfig } = this.options;
    this.logStart = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
    this.starts += 1;
    const program = await startProgram({
      name: this.name,
      // Not ours to change, so a supervisor of ours ends it when we end.
      command: [controlPlane.binaries.controlplane, 'supervise', ...this.command()],
      logFile: this.logFile,
      environment: { KUBECONFIG: kubeconfig },
    });
    this.program = program;
    void program.ended.then(() => this.startAgain());
    return program;
  }

  private async startAgain(): Promise<void> {
    if (this.stopping) return;
    this.options.controlPlane.log(`zonespread: ${this.name} ended and is started again; its log is ${this.logFile}.`);
    await pause(RESTART_PAUSE_MS);
    await this.launch();
    // Asked to stop in the meantime: this one nobody else knows of.
    if (this.stopping) await this.stop();
  }

  private async isReady(): Promise<boolean> {
    return readFileSync(this.logFile).subarray(this.logStart).includes(READY_LINE[this.name]);
  }

  private command(): string[] {
    const { controlPlane, socketPath, kubeconfig } = this.options;
    const common = [`--kubeconfig=${kubeconfig}`, `--csi-address=${socketPath}`, '--leader-election=false', '--kube-api-qps=1000', '--kube-api-burst=2000', '--v=4'];
    if (this.name === 'csi-attacher') {
      return [controlPlane.binaries.attacher, ...common, '--timeout=30s', '--worker-threads=100', '--retry-interval-start=200ms'];
    }
    return [
      controlPlane.binaries.provisioner,
      ...common,
      '--volume-name-prefix=disk',
      '--strict-topology=true',
      '--extra-create-metadata=true',
      '--default-fstype=ext4',
      '--timeout=150s',
      '--retry-interval-start=500ms',
    ];
  }
}
