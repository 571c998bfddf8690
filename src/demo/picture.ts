// What there is to see at one moment, read off the watched objects: which ordinal's disk is in which zone, how its pod is, and the move
// under way. Pure.

import { zoneOfVolume } from '../layout/zones.ts';
import { ended, phaseOf, podNameOf, STEPS, type OrdinalMigration, type Phase } from '../migration/record.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../kubernetes/objects.ts';

export interface OrdinalSight {
  ordinal: number;
  /** Of the volume that the claim asks for; undefined while it asks for none. */
  zone: string | undefined;
  ready: boolean;
}

export interface MoveSight {
  record: string;
  ordinal: number;
  pod: string;
  from: string;
  to: string;
  phase: Phase;
  step: string;
  /** From 1; undefined for a step that is not of the way forward. */
  stepNumber: number | undefined;
  /** Epoch, ms; undefined before the first step. */
  stepSince: number | undefined;
  /** 0–100. */
  progress: number;
  /** Since when the pod is not Ready because of the move; epoch, ms. */
  downSince: number | undefined;
  /** Known once it is Ready again. */
  downtimeMs: number | undefined;
  /** Why it waits or was given up, as the record says it. */
  message: string;
}

export interface Picture {
  /** `demo/web`. */
  set: string;
  /** Name of the set alone. */
  setName: string;
  /** In the order of the declaration. */
  zones: readonly string[];
  ordinals: readonly OrdinalSight[];
  /** Under way, at most one at a time here. */
  move: MoveSight | undefined;
  moved: number;
  /** Moves that the first plan asked for; undefined before there is one. */
  planned: number | undefined;
  /** Why nothing moves although something ought to, as the report says it. */
  held?: string | undefined;
}

export interface Sights {
  namespace: string;
  set: string;
  replicas: number;
  template: string;
  zones: readonly string[];
  pods: readonly Pod[];
  claims: readonly PersistentVolumeClaim[];
  volumes: readonly PersistentVolume[];
  moves: readonly OrdinalMigration[];
  planned: number | undefined;
  held?: string | undefined;
}

export const STEP_COUNT = STEPS.length;

export function pictureOf(sights: Sights): Picture {
  const { namespace, set, replicas, zones, moves, planned, held } = sights;
  const underWay = moves.find((record) => !ended(record) && phaseOf(record) !== 'Pending') ?? moves.find((record) => !ended(record));
  return {
    set: `${namespace}/${set}`,
    setName: set,
    zones,
    ordinals: Array.from({ length: replicas }, (_, ordinal) => ordinalSight(sights, ordinal)),
    move: underWay === undefined ? undefined : moveSight(underWay),
    moved: moves.filter((record) => phaseOf(record) === 'Succeeded').length,
    planned,
    held,
  };
}

/** Ordinals by zone, `{ 'cn-beijing-a': [0, 1] }`; every zone of the picture has an entry. */
export function ordinalsByZone({ zones, ordinals }: Pick<Picture, 'zones' | 'ordinals'>): Map<string, number[]> {
  return new Map(zones.map((zone) => [zone, ordinals.filter((sight) => sight.zone === zone).map(({ ordinal }) => ordinal)]));
}

/** Largest count minus smallest, over these zones. */
export function skewOver(picture: Pick<Picture, 'ordinals'>, declared: readonly string[]): number {
  const counts = [...ordinalsByZone({ zones: declared, ordinals: picture.ordinals }).values()].map(({ length }) => length);
  return Math.max(...counts) - Math.min(...counts);
}

/** As `max-skew` has it when nothing is said. */
export const MAX_SKEW = 1;

export function isSpread(picture: Pick<Picture, 'ordinals'>, declared: readonly string[]): boolean {
  return picture.ordinals.every(({ zone }) => zone !== undefined && declared.includes(zone)) && skewOver(picture, declared) <= MAX_SKEW;
}

export function isReady(pod: Pod | undefined): boolean {
  return pod !== undefined && pod.metadata.deletionTimestamp === undefined && (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
}

function ordinalSight({ set, template, pods, claims, volumes }: Sights, ordinal: number): OrdinalSight {
  const claim = claims.find(({ metadata }) => metadata.name === `${template}-${set}-${ordinal}`);
  const volume = volumes.find(({ metadata }) => metadata.name === claim?.spec.volumeName);
  const pod = pods.find(({ metadata }) => metadata.name === `${set}-${ordinal}`);
  return { ordinal, zone: volume === undefined ? undefined : zoneOfVolume(volume), ready: isReady(pod) };
}

function moveSight(record: OrdinalMigration): MoveSight {
  const { step = '', progress = 0, message = '', claims = [], stepStartedAt, unavailableSince, downtimeSeconds } = record.status ?? {};
  const at = (STEPS as readonly string[]).indexOf(step);
  return {
    record: record.metadata.name,
    ordinal: record.spec.ordinal,
    pod: podNameOf(record),
    from: claims[0]?.source.zone ?? '',
    to: record.spec.targetZone,
    phase: phaseOf(record),
    step,
    stepNumber: at === -1 ? undefined : at + 1,
    stepSince: momentOf(stepStartedAt),
    progress,
    downSince: momentOf(unavailableSince),
    downtimeMs: downtimeSeconds === undefined ? undefined : downtimeSeconds * 1000,
    message,
  };
}

function momentOf(stamp: string | undefined): number | undefined {
  return stamp === undefined ? undefined : Date.parse(stamp);
}
