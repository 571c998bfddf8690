// A real Kubernetes control plane on this machine: etcd, kube-apiserver, kube-controller-manager and kube-scheduler on free ports of
// 127.0.0.1, in a temporary folder, set up as in a real cluster as far as controllers, identities and authorization go. It has no nodes:
// whoever wants pods to run adds them. Several may run side by side.
//
//   startControlPlane: etcd -> kube-apiserver -> kube-controller-manager, kube-scheduler -> namespace "default" has its service account
//   stop:              the same backwards
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditPolicyWithRequestsOf, AUDIT_POLICY, parseAuditLog, parseRequests, type Request, type Write } from './audit.ts';
import { buildControlPlane, type Binaries } from './build.ts';
import { makeCertificates, makeServiceAccountKey, type Certificates } from './certificates.ts';
import { FILES, flagsOf, schedulerConfiguration, type FlagSettings, type Ports, type ProgramName } from './flags.ts';
import { ADMIN, CONTROLLER_MANAGER, SCHEDULER, identify, kubeconfigFor, tokenFile, type Identity, type User } from './identities.ts';
import { freePorts, giveBack } from './ports.ts';
import { logTail, obituary, startProgram, type Program, type StopOptions } from './program.ts';
import { answers, awaitReadiness } from './readiness.ts';

export interface ControlPlaneOptions {
  /** Identities beside the administrator, each with its own kubeconfig: see `kubeconfigOf`. What they may do is up to RBAC objects. */
  readonly users?: readonly User[];
  /** Appended to the API server's own. */
  readonly apiServerFlags?: readonly string[];
  /** Namespaces whose service accounts are followed in all that they ask for, reads too: see `requests`. */
  readonly follow?: readonly string[];
  /** Leaves the folder, with logs and audit log, for a look after `stop`. */
  readonly keep?: boolean;
  /** Gets a line when a program ends that nobody ended; standard error unless given. */
  readonly log?: (line: string) => void;
}

export interface ControlPlane {
  /** https://127.0.0.1:port */
  readonly server: string;
  /** Path of a kubeconfig with the administrator's token. */
  readonly kubeconfig: string;
  /** The administrator's. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** Holds everything the control plane writes, one log per program (`etcd.log`) among it. */
  readonly directory: string;
  readonly binaries: Binaries;
  readonly log: (line: string) => void;
  /** What runs now, in the order of the start. */
  readonly programs: ReadonlyMap<ProgramName, Program>;
  /** Path of a kubeconfig of one of the `users`, or of the administrator. */
  kubeconfigOf(user: string): string;
  /** Standard output; a failing command throws an Error with what it wrote to standard error. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Every write that the API server has answered, whoever made it, in the order of the answers. */
  writes(): Promise<Write[]>;
  /** The same with the reads of whom `follow` names. */
  requests(): Promise<Request[]>;
  /** Ends a program as told (SIGTERM unless told) and starts it again on the same port and data; resolves when it is ready. */
  restart(name: ProgramName, options?: StopOptions): Promise<void>;
  /** Ends all of it; nothing is left but the folder if it is to be kept. May be called again. */
  stop(): Promise<void>;
}

/** Starts of the whole when a program's port was taken between our look and its own. */
const ATTEMPTS = 5;
const PORT_TAKEN = 'address already in use';
const START_ORDER: readonly ProgramName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Builds what is missing (see build.ts), then takes about three seconds. Throws an Error with the end of the log when a program does not come up. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = await buildControlPlane();
  for (let attempt = 1; ; attempt += 1) {
    const site = await prepareSite(binaries, options);
    const running = new RunningControlPlane(site);
    try {
      await running.start();
      return running;
    } catch (cause) {
      const retry = attempt < ATTEMPTS && (await running.lostPort());
      await running.stop();
      if (!retry) throw cause;
    }
  }
}

interface RunningProgram {
  readonly name: ProgramName;
  readonly program: Program;
}

/** Everything that is decided before the first program starts. */
interface Site {
  readonly directory: string;
  readonly binaries: Binaries;
  readonly options: ControlPlaneOptions;
  readonly certificates: Certificates;
  readonly identities: readonly Identity[];
  readonly ports: Ports;
}

async function prepareSite(binaries: Binaries, options: ControlPlaneOptions): Promise<Site> {
  const certificates = await makeCertificates();
  const [etcd = 0, peer = 0, apiServer = 0, controllerManager = 0, scheduler = 0] = await freePorts(5);
  return {
    directory: await mkdtemp(join(tmpdir(), 'zonespread-controlplane-')),
    binaries,
    options,
    certificates,
    identities: [ADMIN, CONTROLLER_MANAGER, SCHEDULER, ...(options.users ?? [])].map(identify),
    ports: { etcd, 'etcd-peer': peer, 'kube-apiserver': apiServer, 'kube-controller-manager': controllerManager, 'kube-scheduler': scheduler },
  };
}

class RunningControlPlane implements ControlPlane {
  readonly server: string;
  readonly kubeconfig: string;
  readonly token: string;
  readonly ca: string;
  readonly directory: string;
  readonly binaries: Binaries;
  readonly log: (line: string) => void;
  readonly programs = new Map<ProgramName, Program>();
  private readonly site: Site;
  private stopped: Promise<void> | undefined;

  constructor(site: Site) {
    this.site = site;
    this.server = `https://127.0.0.1:${site.ports['kube-apiserver']}`;
    this.ca = site.certificates.ca;
    this.directory = site.directory;
    this.binaries = site.binaries;
    this.kubeconfig = this.kubeconfigOf(ADMIN.name);
    this.token = this.identity(ADMIN.name).token;
    this.log = site.options.log ?? ((line) => process.stderr.write(`${line}\n`));
  }

  kubeconfigOf(user: string): string {
    return this.path(`${this.identity(user).name.replaceAll(/[^\w.-]/g, '_')}.kubeconfig`);
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    return runKubectl({ kubectl: this.binaries.kubectl, kubeconfig: this.kubeconfig, args, input });
  }

  async writes(): Promise<Write[]> {
    return parseAuditLog(await readFile(this.path(FILES.auditLog), 'utf8'));
  }

  async requests(): Promise<Request[]> {
    return parseRequests(await readFile(this.path(FILES.auditLog), 'utf8'));
  }

  async start(): Promise<void> {
    await this.writeFiles();
    await this.untilReady(await this.launch('etcd'));
    await this.untilReady(await this.launch('kube-apiserver'));
    const last = [await this.launch('kube-controller-manager'), await this.launch('kube-scheduler')];
    await Promise.all(last.map((program) => this.untilReady(program)));
    const url = `${this.server}/api/v1/namespaces/default/serviceaccounts/default`;
    await awaitReadiness({
      what: 'the service account of namespace "default"',
      condition: () => answers({ url, ca: this.ca, token: this.token }),
      programs: [...this.programs.values()],
    });
  }

  async restart(name: ProgramName, options?: StopOptions): Promise<void> {
    await this.programs.get(name)?.stop(options);
    await this.untilReady(await this.launch(name));
  }

  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  /** Whether the start failed because somebody else took one of our ports. */
  async lostPort(): Promise<boolean> {
    const dead = [...this.programs.values()].filter((program) => program.ending);
    return dead.some((program) => logTail(program.logFile, 40).includes(PORT_TAKEN));
  }

  private async end(): Promise<void> {
    // A kept control plane ends in good order. Any other is thrown away, so it only has to be gone: still the API server before etcd.
    const how: StopOptions = this.site.options.keep ? {} : { signal: 'SIGKILL' };
    for (const name of START_ORDER.toReversed()) await this.programs.get(name)?.stop(how);
    giveBack(Object.values(this.site.ports));
    if (!this.site.options.keep) await rm(this.directory, { recursive: true, force: true });
  }

  private async launch(name: ProgramName): Promise<RunningProgram> {
    const program = await startProgram({
      name,
      command: [this.binaries.controlplane, name, ...flagsOf(name, this.flagSettings())],
      logFile: this.path(`${name}.log`),
      // One of the programs clears up when we are killed; etcd is the first to run.
      environment: name === 'etcd' && !this.site.options.keep ? { CONTROLPLANE_REMOVE_AT_END: this.directory } : {},
    });
    this.programs.set(name, program);
    void program.ended.then(({ asked }) => {
      if (!asked) this.log(`zonespread: control plane: ${obituary(program)}`);
    });
    return { name, program };
  }

  private async untilReady({ name, program }: RunningProgram): Promise<void> {
    await awaitReadiness({ what: `${name} to be ready`, condition: () => this.isReady(name), programs: [program] });
  }

  private isReady(name: ProgramName): Promise<boolean> {
    const { ports } = this.site;
    if (name === 'etcd') return answers({ url: `http://127.0.0.1:${ports.etcd}/readyz` });
    const path = name === 'kube-controller-manager' ? 'healthz' : 'readyz';
    const token = name === 'kube-apiserver' ? { token: this.token } : {};
    return answers({ url: `https://127.0.0.1:${ports[name]}/${path}`, ca: this.ca, ...token });
  }

  private flagSettings(): FlagSettings {
    return {
      directory: this.directory,
      ports: this.site.ports,
      controllerManagerKubeconfig: this.kubeconfigOf(CONTROLLER_MANAGER.name),
      apiServerFlags: this.site.options.apiServerFlags ?? [],
    };
  }

  private async writeFiles(): Promise<void> {
    const { certificates, identities, options } = this.site;
    const { follow = [] } = options;
    const files: Record<string, string> = {
      [FILES.ca]: certificates.ca,
      [FILES.servingCertificate]: certificates.certificate,
      [FILES.servingKey]: certificates.key,
      [FILES.serviceAccountKey]: makeServiceAccountKey(),
      [FILES.tokens]: tokenFile(identities),
      [FILES.auditPolicy]: follow.length === 0 ? AUDIT_POLICY : auditPolicyWithRequestsOf(follow),
      [FILES.schedulerConfiguration]: schedulerConfiguration(this.kubeconfigOf(SCHEDULER.name)),
    };
    for (const [name, content] of Object.entries(files)) await writeFile(this.path(name), content, { mode: 0o600 });
    for (const { name, token } of identities) {
      await writeFile(this.kubeconfigOf(name), kubeconfigFor(name, { server: this.server, ca: this.ca, token }), { mode: 0o600 });
    }
  }

  private identity(user: string): Identity {
    const found = this.site.identities.find(({ name }) => name === user);
    if (found) return found;
    const known = this.site.identities.map(({ name }) => name).join(', ');
    throw new Error(`This control plane has no user "${user}"; it has ${known}. Name it in the option \`users\` of startControlPlane.`);
  }

  private path(name: string): string {
    return join(this.directory, name);
  }
}

export interface KubectlCall {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly args: readonly string[];
  readonly input?: string | undefined;
}

export function runKubectl({ kubectl, kubeconfig, args, input }: KubectlCall): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl, [...args], { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`\`kubectl ${args.join(' ')}\` fails (exit code ${code}): ${err.trim()}`));
    });
    // A command that does not read its input closes it early; what it says then is in its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
