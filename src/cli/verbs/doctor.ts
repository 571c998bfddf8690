// `zonespread doctor`: what is wrong, or will be, with the cluster, the installation, the cloud and the sets; each with its fix.

import { Option, type Command } from 'commander';
import { nodes } from '../../kubernetes/objects.ts';
import { REGION_KEYS } from '../../layout/zones.ts';
import { keyOf } from '../../policy/annotations.ts';
import { loadEcsSdk } from '../../alicloud/ecs.ts';
import { clockSkew } from '../doctor/kubernetes.ts';
import { examine, type Examined } from '../doctor/examination.ts';
import type { Finding, Level, Patient } from '../doctor/finding.ts';
import { FAILED, VerbEnded } from '../exit.ts';
import { oneOf } from '../flags.ts';
import { listSets } from '../names.ts';
import { ownNamespaceOf } from '../process.ts';
import { EMPTY, line, piece, wrap, type Line, type Style } from '../rendering/text.ts';
import { addClusterFlags, addExamples, outputFlag, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';

interface DoctorFlags extends ClusterFlags {
  leaseNamespace?: string;
  region?: string;
  ecsEndpoint?: string;
  ecsProtocol?: 'HTTP' | 'HTTPS';
  cloud: boolean;
}

export function addDoctorVerb(program: Command, around: Surroundings): void {
  const command = addClusterFlags(program.command('doctor'))
    .addOption(outputFlag())
    .description('look for what keeps moves from working, now or one day: each finding with its fix; exit code 1 when there is a problem')
    .addOption(new Option('--lease-namespace <name>', "the controller's namespace; without it our own, outside a cluster zonespread-system").env('ZONESPREAD_LEASE_NAMESPACE'))
    .addOption(new Option('--region <id>', "region; without it the nodes'").env('ZONESPREAD_REGION'))
    .addOption(new Option('--ecs-endpoint <host>', 'ECS endpoint that is reachable from here; without it by region').env('ZONESPREAD_ECS_ENDPOINT'))
    .addOption(new Option('--ecs-protocol <protocol>', 'HTTPS or HTTP').argParser(oneOf('HTTPS', 'HTTP')).env('ZONESPREAD_ECS_PROTOCOL'))
    .option('--no-cloud', 'do not ask the cloud')
    .action((flags: DoctorFlags) => withCluster(around, flags, (session) => doctor(session, flags)));
  addExamples(command, around.calledAs, [
    ['doctor', "everything; the cloud with this machine's credentials"],
    ['doctor --no-cloud', 'the cluster only'],
    ['doctor -o json', 'for a program'],
  ]);
  command.addHelpText('after', `
Nothing is changed: what writes is tried by dry run, cloud calls without one are made for a disk that does not exist.
To ask with the controller's own credentials, run it where that runs:
  kubectl exec -n zonespread-system deploy/zonespread-controller -- /nodejs/bin/node /app/dist/cli/main.mjs doctor
`);
}

async function doctor(session: Session, flags: DoctorFlags): Promise<void> {
  const examined = await examine(await patientOf(session, flags));
  session.show.answer(findingLines(examined, session.show.columns), { findings: examined.flatMap(({ area, findings }) => findings.map((finding) => ({ area, ...finding }))) });
  if (count(examined, 'problem') > 0) throw new VerbEnded(FAILED);
}

async function patientOf({ api, http, around, namespace }: Session, flags: DoctorFlags): Promise<Patient> {
  const region = flags.region ?? (await regionOfNodes(api));
  const sets = (await listSets(api, undefined)).filter(({ metadata }) => metadata.annotations?.[keyOf('zones')] !== undefined);
  return { api, http, clock: around.clock, skewMs: await clockSkew(http, around.clock), namespace, leaseNamespace: flags.leaseNamespace ?? ownNamespaceOf(), sets, cloud: cloudFor(around, flags, region) };
}

function cloudFor(around: Surroundings, { cloud, ecsEndpoint, ecsProtocol }: DoctorFlags, region: string | undefined): Patient['cloud'] {
  if (!cloud) return undefined;
  if (region === undefined) return { silent: 'no node says in which region it is (topology.kubernetes.io/region)' };
  // It blocks for a moment, and would be taken for a slow answer.
  loadEcsSdk();
  return { call: around.ecs({ region, endpoint: ecsEndpoint, protocol: ecsProtocol, clock: around.clock }), region };
}

async function regionOfNodes(api: Session['api']): Promise<string | undefined> {
  const regions = (await api.list(nodes)).flatMap(({ metadata }) => REGION_KEYS.map((key) => metadata.labels?.[key]).find((region) => region !== undefined && region !== '') ?? []);
  return regions[0];
}

const SIGNS: Record<Level, { sign: string; style: Style }> = {
  ok: { sign: '✓', style: 'good' },
  warning: { sign: '!', style: 'busy' },
  problem: { sign: '✗', style: 'bad' },
  unknown: { sign: '?', style: 'faint' },
};

function findingLines(examined: readonly Examined[], columns: number): Line[] {
  const areas = examined.filter(({ findings }) => findings.length > 0).flatMap(({ area, findings }, at) => [...(at === 0 ? [] : [EMPTY]), line(piece(area, 'strong')), ...findings.flatMap((finding) => linesOf(finding, columns))]);
  return [...areas, EMPTY, summary(examined)];
}

function linesOf({ level, message, fix }: Finding, columns: number): Line[] {
  const { sign, style } = SIGNS[level];
  const said = wrap(message, columns - 4).map((row, at) => line('  ', at === 0 ? piece(sign, style) : ' ', ` ${row}`));
  return [...said, ...(fix === undefined ? [] : wrap(`→ ${fix}`, columns - 6).map((row, at) => line(at === 0 ? '    ' : '      ', piece(row, 'faint'))))];
}

function summary(examined: readonly Examined[]): Line {
  const [problems, warnings, unknowns] = [count(examined, 'problem'), count(examined, 'warning'), count(examined, 'unknown')];
  const rest = [`${count(examined, 'ok')} fine`, ...(unknowns === 0 ? [] : [`${unknowns} not to be seen`]), ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`])].join(', ');
  return line(`${rest}, `, piece(problems === 0 ? 'no problem' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`, problems === 0 ? 'good' : 'bad'));
}

function count(examined: readonly Examined[], level: Level): number {
  return examined.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length;
}
