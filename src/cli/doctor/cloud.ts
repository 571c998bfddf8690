// The cloud: credentials, the rights of the RAM user or role, and which disks are on sale where. Every action that moves use is asked
// without effect: by DryRun where the API has it, else for a disk or snapshot that does not exist.

import { createAlicloudDisks } from '../../alicloud/disks.ts';
import { understood } from '../../alicloud/errors.ts';
import { volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import { DISK_DRIVER, zoneOfVolume } from '../../layout/zones.ts';
import { fewOf } from '../../planner/few.ts';
import { keyOf } from '../../policy/annotations.ts';
import type { EcsAction, EcsCall, EcsParameters } from '../../ports/ecs-call.ts';
import { ok, problem, unknown, warning, type Check, type Finding, type Patient } from './finding.ts';

/** No disk and no snapshot has such an id. */
const NO_DISK = 'd-zonespread0doctor0';
const NO_SNAPSHOT = 's-zonespread0doctor0';

const ASK_AGAIN = 'ask again with: --region <region> --ecs-endpoint <host>; the credentials are those of this machine (ALIBABA_CLOUD_ACCESS_KEY_ID and …_SECRET, a profile, or its RAM role)';

export const cloud: Check = {
  area: 'Cloud',
  looks: [cloudFindings],
};

async function cloudFindings(patient: Patient): Promise<Finding[]> {
  if (patient.cloud === undefined) return [];
  if ('silent' in patient.cloud) return [unknown(`the cloud was not asked: ${patient.cloud.silent}`, ASK_AGAIN)];
  const rights = await askAll(patient.cloud);
  return rights.some(({ level }) => level !== 'ok') ? rights : [...rights, ...(await markets(patient, patient.cloud))];
}

type Answer = 'allowed' | 'denied' | 'credentials' | 'unclear';

async function askAll({ call, region }: { call: EcsCall; region: string }): Promise<Finding[]> {
  const probes = probesFor(region);
  const first = await tryAction(call, probes[0]);
  if (first.answer === 'credentials') return [problem(`the cloud does not accept the credentials of this machine: ${first.words}`, 'see ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or the RAM role of the ServiceAccount (RRSA)')];
  if (first.answer === 'unclear') return [unknown(`the ECS API of ${region} does not answer: ${first.words}`, 'name the endpoint that is reachable from here, e.g. --ecs-endpoint ecs-vpc.<region>.aliyuncs.com inside a VPC')];
  const answers = [first, ...(await Promise.all(probes.slice(1).map((probe) => tryAction(call, probe))))];
  const denied = answers.filter(({ answer }) => answer === 'denied').map(({ action }) => `ecs:${action}`);
  const unclear = answers.filter(({ answer }) => answer === 'unclear');
  return [
    denied.length === 0 ? ok(`the credentials of this machine may do all that moves take in ${region}`) : problem(`the RAM user or role of this machine's credentials lacks ${denied.join(', ')}`, 'attach the RAM policy of the documentation to it, with these actions'),
    ...unclear.map(({ action, words }) => unknown(`whether ecs:${action} is allowed is not clear: ${words}`, 'try again in a minute')),
  ];
}

type Probe = readonly [EcsAction, EcsParameters];

/** The first shows whether there is anybody, and whether they know us. */
function probesFor(RegionId: string): [Probe, ...Probe[]] {
  const resource = { RegionId, ResourceType: 'disk', ResourceId: [NO_DISK] };
  return [
    ['DescribeDisks', { RegionId, DryRun: true }],
    ['DescribeSnapshots', { RegionId, DryRun: true }],
    ['DescribeAvailableResource', { RegionId, DestinationResource: 'DataDisk', ResourceType: 'disk' }],
    ['CreateSnapshot', { DiskId: NO_DISK }],
    ['DeleteSnapshot', { SnapshotId: NO_SNAPSHOT }],
    ['CreateDisk', { RegionId, ZoneId: `${RegionId}-a`, SnapshotId: NO_SNAPSHOT, DiskCategory: 'cloud_essd', Size: 20 }],
    ['DeleteDisk', { DiskId: NO_DISK }],
    ['ModifyDiskAttribute', { DiskId: NO_DISK, DeleteAutoSnapshot: false }],
    ['ApplyAutoSnapshotPolicy', { regionId: RegionId, autoSnapshotPolicyId: 'sp-zonespread0doctor0', diskIds: JSON.stringify([NO_DISK]) }],
    ['TagResources', { ...resource, Tag: [{ Key: 'zonespread.io/doctor', Value: 'probe' }] }],
    ['UntagResources', { ...resource, TagKey: ['zonespread.io/doctor'] }],
  ];
}

async function tryAction(call: EcsCall, [action, parameters]: Probe): Promise<{ action: EcsAction; answer: Answer; words: string }> {
  try {
    await call.call(action, parameters);
    return { action, answer: 'allowed', words: '' };
  } catch (error) {
    const { code, meaning, message } = understood(error);
    return { action, answer: answerIn(code, meaning), words: message };
  }
}

const CREDENTIALS = /^(?:InvalidAccessKeyId|IncompleteSignature|SignatureDoesNotMatch|InvalidSecurityToken|MissingSecurityToken|CredentialsUnavailable|InvalidTimeStamp)/;
const DENIED = /^(?:Forbidden(?:\.(?:RAM|SubUser|NoPermission|Unauthorized))?$|NoPermission|Unauthorized|AccessDenied|ImplicitDeny|ExplicitDeny)/;

/** Rights are looked at before anything else: whatever else is wrong with the call, who hears of it has the right. */
function answerIn(code: string, meaning: string): Answer {
  if (CREDENTIALS.test(code)) return 'credentials';
  if (DENIED.test(code)) return 'denied';
  return meaning === 'retry' || meaning === 'unknown' ? 'unclear' : 'allowed';
}

async function markets(patient: Patient, { call, region }: { call: EcsCall; region: string }): Promise<Finding[]> {
  const own = (await patient.api.list(volumes)).filter(({ spec }) => spec.csi?.driver === DISK_DRIVER);
  const kinds = [...new Set(own.map(kindOf).filter((kind) => kind !== ''))].toSorted();
  const zones = [...new Set([...patient.sets.flatMap(({ metadata }) => zonesIn(metadata.annotations?.[keyOf('zones')])), ...own.flatMap((volume) => zoneOfVolume(volume) ?? [])])].toSorted();
  const disks = createAlicloudDisks({ call, clock: patient.clock, region });
  const findings = await Promise.all(
    kinds.map(async (kind) => {
      const [category = '', performanceLevel] = kind.split('.');
      const answers = await Promise.all(zones.map(async (zone) => ({ zone, ...(await disks.onSale(zone, { category, ...(performanceLevel === undefined ? {} : { performanceLevel }) })) })));
      const without = answers.filter(({ onSale }) => !onSale);
      const withIt = answers.filter(({ onSale }) => onSale).map(({ zone }) => zone);
      return [...(withIt.length === 0 ? [] : [ok(`${kind} is on sale in ${fewOf(withIt)}`)]), ...without.map(({ zone, message }) => warning(`${kind}, which volumes of this cluster are, is not on sale in ${zone}: ${message}`, `leave ${zone} out of zonespread.io/zones of sets with such disks, or ask Alibaba Cloud; until then nothing moves there`))];
    }),
  );
  return findings.flat();
}

/** `cloud_essd.PL1`, as the driver labels its volumes. */
function kindOf({ metadata, spec }: PersistentVolume): string {
  return metadata.labels?.['csi.alibabacloud.com/disktype'] ?? spec.csi?.volumeAttributes?.['type'] ?? '';
}

function zonesIn(annotation = ''): string[] {
  return annotation.split(',').map((zone) => zone.trim()).filter((zone) => zone !== '' && zone !== '*');
}
