// The status that a kubelet writes for a pod whose containers are being created, run, are Ready, or have ended with success.

import type { Shown } from './model.ts';

export interface StatusInput {
  shown: Shown;
  /** RFC 3339. */
  now: string;
  /** `spec.containers` and `spec.initContainers`: name and image. */
  containers: ContainerSpec[];
  initContainers: ContainerSpec[];
  /** Types of `spec.readinessGates`: it is Ready only with all of these conditions. */
  readinessGates?: readonly string[];
  generation: number | undefined;
  /** The status as it is: conditions of others are kept, times that do not change too. */
  current: CurrentStatus;
  podIP: string;
  hostIP: string;
  /** Makes container ids unique. */
  uid: string;
}

export interface ContainerSpec {
  name: string;
  image: string;
}

export interface CurrentStatus {
  startTime?: string;
  conditions?: StatusCondition[];
  containerStatuses?: Record<string, unknown>[];
}

export interface StatusCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

const PHASES: Readonly<Record<Shown, string>> = { creating: 'Pending', running: 'Running', ready: 'Running', ended: 'Succeeded' };

/** For a merge patch: lists are whole. */
export function podStatus(input: StatusInput): Record<string, unknown> {
  const started = input.shown !== 'creating';
  return {
    phase: PHASES[input.shown],
    ...(input.generation === undefined ? {} : { observedGeneration: input.generation }),
    conditions: conditions(input),
    hostIP: input.hostIP,
    hostIPs: [{ ip: input.hostIP }],
    startTime: input.current.startTime ?? input.now,
    ...(started ? { podIP: input.podIP, podIPs: [{ ip: input.podIP }] } : {}),
    containerStatuses: input.containers.map((container) => containerStatus(container, input)),
    ...(input.initContainers.length === 0 ? {} : { initContainerStatuses: input.initContainers.map((container) => initContainerStatus(container, input)) }),
  };
}

function conditions(input: StatusInput): StatusCondition[] {
  const current = input.current.conditions ?? [];
  const containersReady = input.shown === 'ready';
  const whyNot = containersReady ? undefined : whyNotReady(input);
  const closed = whyNot ?? closedGate(input, current);
  const ours: StatusCondition[] = [
    { type: 'PodReadyToStartContainers', status: input.shown === 'running' || containersReady ? 'True' : 'False' },
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', status: closed === undefined ? 'True' : 'False', ...closed },
    { type: 'ContainersReady', status: containersReady ? 'True' : 'False', ...whyNot },
    { type: 'PodScheduled', status: 'True' },
  ];
  const others = current.filter((condition) => !ours.some(({ type }) => type === condition.type));
  return [...ours.map((condition) => withTransition(condition, current, input.now)), ...others];
}

function whyNotReady({ shown, containers }: StatusInput): { reason: string; message?: string } {
  return shown === 'ended' ? { reason: 'PodCompleted' } : { reason: 'ContainersNotReady', message: `containers with unready status: [${containers.map(({ name }) => name).join(' ')}]` };
}

function closedGate({ readinessGates = [] }: StatusInput, current: readonly StatusCondition[]): { reason: string; message: string } | undefined {
  const gate = readinessGates.find((one) => current.find(({ type }) => type === one)?.status !== 'True');
  if (gate === undefined) return undefined;
  const there = current.some(({ type }) => type === gate);
  return { reason: 'ReadinessGatesNotReady', message: there ? `the status of pod readiness gate "${gate}" is not "True", but False` : `corresponding condition of pod readiness gate "${gate}" does not exist.` };
}

function withTransition(condition: StatusCondition, current: readonly StatusCondition[], now: string): StatusCondition {
  const before = current.find(({ type }) => type === condition.type);
  return { ...condition, lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now };
}

function containerStatus(container: ContainerSpec, input: StatusInput): Record<string, unknown> {
  const runs = input.shown === 'running' || input.shown === 'ready';
  return {
    ...identityOf(container, input.uid, input.shown !== 'creating'),
    ready: input.shown === 'ready',
    started: runs,
    state: containerState(container, input),
  };
}

function containerState(container: ContainerSpec, input: StatusInput): Record<string, unknown> {
  if (input.shown === 'creating') return { waiting: { reason: 'ContainerCreating' } };
  const startedAt = startOf(container, input.current) ?? input.now;
  if (input.shown !== 'ended') return { running: { startedAt } };
  return { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: input.now, containerID: containerId(container, input.uid) } };
}

function initContainerStatus(container: ContainerSpec, input: StatusInput): Record<string, unknown> {
  const done = input.shown !== 'creating';
  const finished = { terminated: { exitCode: 0, reason: 'Completed', startedAt: input.now, finishedAt: input.now, containerID: containerId(container, input.uid) } };
  return { ...identityOf(container, input.uid, done), ready: done, started: false, state: done ? finished : { waiting: { reason: 'PodInitializing' } } };
}

function identityOf(container: ContainerSpec, uid: string, created: boolean): Record<string, unknown> {
  return {
    name: container.name,
    image: container.image,
    imageID: created ? `simulated://${container.image}` : '',
    restartCount: 0,
    ...(created ? { containerID: containerId(container, uid) } : {}),
  };
}

function startOf(container: ContainerSpec, current: CurrentStatus): string | undefined {
  const status = current.containerStatuses?.find(({ name }) => name === container.name) as { state?: { running?: { startedAt?: string } } } | undefined;
  return status?.state?.running?.startedAt;
}

function containerId(container: ContainerSpec, uid: string): string {
  return `simulated://${uid}-${container.name}`;
}
