// The disk CSI driver: there, on every node, and told of zones; and nodes that say in which zone they are.

import { csiNodes, nodes, type CSINode, type KubernetesObject, type Node, type Resource } from '../../kubernetes/objects.ts';
import { DISK_DRIVER, zoneOfNode, ZONE_KEYS } from '../../layout/zones.ts';
import { fewOf } from '../../planner/few.ts';
import { ok, problem, warning, type Check, type Finding, type Patient } from './finding.ts';

interface CSIDriver extends KubernetesObject {
  spec?: { attachRequired?: boolean };
}

interface Deployment extends KubernetesObject {
  spec: { template: { spec: { containers?: { name: string; args?: string[] }[] } } };
}

const csiDrivers: Resource<CSIDriver> = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };
const deployments: Resource<Deployment> = { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true };

export const driver: Check = {
  area: 'Disk driver and nodes',
  looks: [driverAndNodes],
};

async function driverAndNodes({ api }: Patient): Promise<Finding[]> {
  const [installed, allNodes, allCsiNodes, provisioner] = await Promise.all([api.get(csiDrivers, { name: DISK_DRIVER }), api.list(nodes), api.list(csiNodes), api.get(deployments, { namespace: 'kube-system', name: 'csi-provisioner' })]);
  return [...driverFindings(installed), ...provisionerFindings(provisioner), ...zoneFindings(allNodes), ...nodeFindings(allNodes, allCsiNodes)];
}

function driverFindings(installed: CSIDriver | undefined): Finding[] {
  if (installed === undefined) return [problem(`there is no CSIDriver ${DISK_DRIVER}`, 'install the disk CSI plugin (on ACK: add-ons csi-plugin and csi-provisioner); only its disks can be moved')];
  // Moves wait for the VolumeAttachment to go: without one nobody knows when a disk is free.
  if (installed.spec?.attachRequired === false) return [problem(`CSIDriver ${DISK_DRIVER} has attachRequired: false`, "set it to true, which is the plugin's own default: moves go by VolumeAttachments")];
  return [ok(`CSIDriver ${DISK_DRIVER} is installed`)];
}

/** Where the provider runs it out of sight, there is nothing to see. */
function provisionerFindings(provisioner: Deployment | undefined): Finding[] {
  const args = (provisioner?.spec.template.spec.containers ?? []).flatMap((container) => container.args ?? []);
  const off = args.find((arg) => /feature-gates=.*\bTopology=false\b/i.test(arg));
  return off === undefined ? [] : [problem(`csi-provisioner runs with ${off}: new disks are made in any zone, whatever their pod can use`, 'set --feature-gates=Topology=true on its external-provisioner, and restart it')];
}

function zoneFindings(all: readonly Node[]): Finding[] {
  const without = all.filter((node) => zoneOfNode(node) === undefined).map(({ metadata }) => metadata.name);
  const zones = [...new Set(all.flatMap((node) => zoneOfNode(node) ?? []))].toSorted();
  return [
    zones.length < 2 ? warning(`nodes are in ${zones.length === 0 ? 'no zone at all' : `one zone only (${zones.join('')})`}: there is nowhere to spread to`, 'add nodes in other zones') : ok(`nodes are in ${fewOf(zones)}`),
    ...(without.length === 0 ? [] : [problem(`nodes without a zone: ${fewOf(without)}`, 'label them with topology.kubernetes.io/zone; the cloud controller manager does that where it runs')]),
  ];
}

function nodeFindings(all: readonly Node[], allCsiNodes: readonly CSINode[]): Finding[] {
  if (allCsiNodes.length === 0) return [];
  const byName = new Map(allCsiNodes.map((node) => [node.metadata.name, node.spec.drivers.find(({ name }) => name === DISK_DRIVER)]));
  const virtual = (node: Node): boolean => node.metadata.labels?.['type'] === 'virtual-kubelet';
  const without = all.filter((node) => !virtual(node) && byName.get(node.metadata.name) === undefined).map(({ metadata }) => metadata.name);
  const blind = [...byName].filter(([, own]) => own?.topologyKeys !== undefined && own.topologyKeys.length > 0 && !own.topologyKeys.some((key) => (ZONE_KEYS as readonly string[]).includes(key))).map(([name]) => name);
  return [
    without.length === 0 ? ok('the disk driver runs on every node') : warning(`the disk driver does not run on ${fewOf(without)}: no disk can land there`, `see its pods: kubectl get pods -n kube-system -l app=csi-plugin -o wide`),
    ...(blind.length === 0 ? [] : [problem(`the disk driver tells no zone on ${fewOf(blind)}: new disks may be made where their pod cannot go`, 'restart csi-plugin there, and see that it can read the metadata service of the machine')]),
  ];
}
