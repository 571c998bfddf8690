// How a pod is shown in a table: its one word of status is found among phase, conditions and containers (k8s.io/kubernetes, printers.go).

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { at, listAt, objectAt, textAt, type JsonObject } from '../json.ts';
import { AGE, column, NAME, text, wide, type Column } from './column.ts';
import { humanAge } from './duration.ts';

interface Shown {
  reason: string;
  ready: number;
  restarts: number;
  lastRestart: string;
}

export const POD_COLUMNS: Column[] = [
  NAME,
  column('Ready', (pod) => `${shown(pod).ready}/${containerCount(pod)}`, { description: 'The aggregate readiness state of this pod for accepting traffic.' }),
  column('Status', (pod) => shown(pod).reason, { description: 'The aggregate status of the containers in this pod.' }),
  column('Restarts', restarts, { description: 'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.' }),
  AGE,
  wide('IP', text('status.podIPs.0.ip', '<none>')),
  wide('Node', text('spec.nodeName', '<none>')),
  wide('Nominated Node', text('status.nominatedNodeName', '<none>')),
  wide('Readiness Gates', readinessGates),
];

function restarts(pod: KubernetesObject, now: number): string {
  const { restarts: count, lastRestart } = shown(pod);
  return count === 0 || lastRestart === '' ? String(count) : `${count} (${humanAge(lastRestart, now)} ago)`;
}

function containerCount(pod: KubernetesObject): number {
  return listAt(pod, 'spec', 'containers').length + listAt(pod, 'spec', 'initContainers').filter(isSidecar).length;
}

function isSidecar(container: unknown): boolean {
  return textAt(container, 'restartPolicy') === 'Always';
}

function shown(pod: KubernetesObject): Shown {
  const start = initContainers(pod);
  const initialized = hasCondition(pod, 'Initialized');
  const state = start.waiting && !initialized ? start.all : containers(pod, { ...start.sidecars, reason: start.all.reason });
  return { ...state, reason: dying(pod) ?? state.reason };
}

/** What the whole pod says, before any container. */
function ofPod(pod: KubernetesObject): string {
  const gated = listAt(pod, 'status', 'conditions').some((condition) => textAt(condition, 'type') === 'PodScheduled' && textAt(condition, 'reason') === 'SchedulingGated');
  return gated ? 'SchedulingGated' : textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase');
}

function dying(pod: KubernetesObject): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (textAt(pod, 'status', 'reason') === 'NodeLost') return 'Unknown';
  return ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')) ? undefined : 'Terminating';
}

/** Up to the first one that is not through; `sidecars` counts only those that stay. */
function initContainers(pod: KubernetesObject): { all: Shown; sidecars: Shown; waiting: boolean } {
  const nothing: Shown = { reason: ofPod(pod), ready: 0, restarts: 0, lastRestart: '' };
  let [all, sidecars] = [nothing, nothing];
  const specs = listAt(pod, 'spec', 'initContainers');
  for (const [index, status] of listAt(pod, 'status', 'initContainerStatuses').entries()) {
    const stays = isSidecar(specs.find((spec) => textAt(spec, 'name') === textAt(status, 'name')));
    all = restarted(all, status);
    if (stays) sidecars = restarted(sidecars, status);
    const why = initReason(status, { stays, place: `Init:${index}/${specs.length}` });
    if (why !== undefined) return { all: { ...all, reason: why }, sidecars, waiting: true };
    const ready = stays && at(status, 'ready') === true && at(status, 'started') === true ? 1 : 0;
    [all, sidecars] = [{ ...all, ready: all.ready + ready }, { ...sidecars, ready: sidecars.ready + ready }];
  }
  return { all, sidecars, waiting: false };
}

function initReason(status: unknown, { stays, place }: { stays: boolean; place: string }): string | undefined {
  const terminated = at(status, 'state', 'terminated');
  if (at(terminated, 'exitCode') === 0 || (stays && at(status, 'started') === true)) return undefined;
  if (terminated !== undefined) return `Init:${ending(terminated)}`;
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  return waiting === '' || waiting === 'PodInitializing' ? place : `Init:${waiting}`;
}

function ending(terminated: unknown): string {
  const signal = Number(textAt(terminated, 'signal'));
  return textAt(terminated, 'reason') || (signal === 0 ? `ExitCode:${textAt(terminated, 'exitCode')}` : `Signal:${signal}`);
}

function restarted(before: Shown, status: unknown): Shown {
  const finished = textAt(status, 'lastState', 'terminated', 'finishedAt');
  return { ...before, restarts: before.restarts + Number(textAt(status, 'restartCount')), lastRestart: finished > before.lastRestart ? finished : before.lastRestart };
}

/** From the last to the first: the first one has the last word. */
function containers(pod: KubernetesObject, before: Shown): Shown {
  let state = before;
  let [running, failure] = [false, ''];
  for (const status of listAt(pod, 'status', 'containerStatuses').toReversed()) {
    state = restarted(state, status);
    const { waiting, terminated } = objectAt(status, 'state');
    if (textAt(waiting, 'reason') !== '') {
      state = { ...state, reason: textAt(waiting, 'reason') };
    } else if (terminated !== undefined) {
      state = { ...state, reason: ending(terminated) };
      if (at(terminated, 'exitCode') !== 0) failure = state.reason;
    } else if (isRunning(status)) {
      running = true;
      state = { ...state, ready: state.ready + 1 };
    }
  }
  return state.reason === 'Completed' ? { ...state, reason: completed(pod, running, failure) } : state;
}

function isRunning(status: unknown): boolean {
  return at(status, 'ready') === true && at(status, 'state', 'running') !== undefined;
}

/** One container is through, but perhaps not all of them. */
function completed(pod: KubernetesObject, running: boolean, failure: string): string {
  if (running && hasCondition(pod, 'Ready')) return 'Running';
  return failure || (running ? 'NotReady' : 'Completed');
}

function hasCondition(pod: KubernetesObject, type: string): boolean {
  return listAt(pod, 'status', 'conditions').some((condition) => textAt(condition, 'type') === type && textAt(condition, 'status') === 'True');
}

function readinessGates(pod: KubernetesObject): string {
  const gates = listAt(pod, 'spec', 'readinessGates') as JsonObject[];
  if (gates.length === 0) return '<none>';
  return `${gates.filter((gate) => hasCondition(pod, textAt(gate, 'conditionType'))).length}/${gates.length}`;
}
