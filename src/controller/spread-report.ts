// What the daemon says about one annotated StatefulSet: the SpreadReport custom resource, of the set's name. Types only; the schema is
// charts/zonespread/crds/spreadreports.yaml.

import type { Condition, KubernetesObject, ObjectMeta, Resource } from '../kubernetes/objects.ts';

export interface SpreadReport extends KubernetesObject {
  metadata: ObjectMeta;
  status?: SpreadReportStatus;
}

export interface SpreadReportStatus {
  /** Generation of the StatefulSet that this was said about. */
  observedGeneration?: number;
  /** Ordinals per zone in one line, for the printer column: `cn-beijing-h:2 cn-beijing-i:2`. */
  summary?: string;
  /** What goes on, or what it waits for: the words of `stateOf`. */
  state?: string;
  /** Declared zones in preference order, then others that have disks. */
  zones?: ReportedZone[];
  skew?: number;
  satisfied?: boolean;
  plan?: ReportedPlan;
  /** Mode `plan`: the list that was approved, whole. */
  approved?: { digest: string; moves: ApprovedMove[] };
  /** For zones `*`. */
  zonesSeen?: SeenZone[];
  blocked?: ReportedBlock[];
  /** How many ordinals `blocked` is about; for the printer column. */
  blockedOrdinals?: number;
  inFlight?: ReportedMigration[];
  retained?: RetainedVolume[];
  /** `Satisfied`, `Progressing`, `Blocked`. */
  conditions?: Condition[];
}

export interface ReportedZone {
  zone: string;
  /** Ordinals that the plan wants there. */
  desired: number;
  actual: number;
  /** Those that are there, as ranges: `0-3,7`. */
  ordinals: string;
}

export interface ReportedPlan {
  /** SHA-256 of all the moves. */
  digest: string;
  total: number;
  sizeGiB: number;
  /** The middle: as likely too few as too many. */
  estimatedMinutes: number;
  /** Were each move to take as long as nine in ten do at most. */
  highMinutes?: number;
  /** Ended moves that the estimates rest on; 0: on a fixed model. */
  measuredMoves?: number;
  /** The first MAX_REPORTED_MOVES, in order. */
  moves: ReportedMove[];
}

/** The schema takes no more moves in `plan.moves`. */
export const MAX_REPORTED_MOVES = 100;

export interface ReportedMove {
  ordinal: number;
  from: string;
  to: string;
  reason: string;
  message?: string;
  sizeGiB?: number;
  /** All of the move, the health duration included. */
  estimatedMinutes?: number;
  /** What windows go by. */
  highMinutes?: number;
  estimatedDowntimeSeconds?: number;
  /** What max-downtime goes by. */
  highDowntimeSeconds?: number;
}

export interface ApprovedMove extends Pick<ReportedMove, 'ordinal' | 'from' | 'to'> {
  /** `NotWanted`: the plan of the day does without it, or the ordinal is gone. Absent in reports of older versions. */
  state?: 'Moved' | 'Moving' | 'Planned' | 'NotWanted';
}

export interface SeenZone {
  zone: string;
  /** Since when it has had a Ready node able to take the disks, without a break; absent while it has none. */
  readySince?: string;
  /** When it became one of the set's zones; it stays one. */
  enteredAt?: string;
}

export interface ReportedBlock {
  /** As ranges: `0-3,7`; empty when it is about the whole set. */
  ordinals: string;
  reason: string;
  message: string;
}

export interface ReportedMigration {
  migration: string;
  ordinal: number;
  from?: string;
  to: string;
  phase?: string;
  step?: string;
  /** Integer, 0–100. */
  progress?: number;
}

export interface RetainedVolume {
  pv: string;
  diskId: string;
  sizeGiB: number;
  /** RFC 3339, or `forever`. */
  until: string;
  zone?: string;
  migration?: string;
}

export const spreadReports: Resource<SpreadReport> = {
  group: 'zonespread.io',
  version: 'v1alpha1',
  plural: 'spreadreports',
  kind: 'SpreadReport',
  namespaced: true,
};
