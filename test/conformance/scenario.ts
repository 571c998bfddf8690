// A scenario and what comes of playing it: which facts it is about, what is done, and what must come before what in every world.

import type { FactId } from './facts.ts';
import { lawsBroken } from './laws.ts';
import { Stage } from './stage.ts';
import type { World } from './world.ts';

export interface Scenario {
  /** A sentence; also its key among the recorded observations. */
  name: string;
  facts: readonly FactId[];
  play(stage: Stage): Promise<void>;
  /** Pairs of "subject: state" of which the first must come before the second, each the first time that it comes. */
  order?: readonly (readonly [before: string, after: string])[];
  /** Kinds whose paths are compared; default pods, claims and volumes. Attachments are told apart by volume. */
  tells?: readonly ('pod' | 'claim' | 'volume' | 'attachment')[];
  /** Subjects whose path is a matter of chance: only their end is compared. */
  byChance?: readonly string[];
  /** Takes minutes on a real control plane: played there only when everything is. */
  slow?: true;
}

/** All that is compared. */
export interface Observation {
  notes: Record<string, unknown>;
  /** By subject, "claim data-web-0#2": the states that it went through. */
  paths: Record<string, string[]>;
}

export interface Played {
  observation: Observation;
  /** What Kubernetes promises of any history, or this scenario of its own, and what was otherwise; empty when all is well. */
  wrong: string[];
  /** For whoever reads a failure. */
  story: string;
}

const TOLD_BY_DEFAULT: NonNullable<Scenario['tells']> = ['pod', 'claim', 'volume'];

/** In a namespace of its own, until nothing changes any more. @throws Error with the story so far when something does not come about. */
export async function play(world: World, scenario: Scenario, namespace: string): Promise<Played> {
  const stage = new Stage(world, namespace);
  await stage.open();
  try {
    await scenario.play(stage);
    await stage.calm();
    const moments = stage.moments();
    return {
      observation: { notes: comparable(stage.notes), paths: pathsOf(scenario, stage) },
      wrong: [...lawsBroken(moments), ...ordersBroken(scenario, stage)],
      story: stage.describe(),
    };
  } catch (error) {
    if (error instanceof Error && !error.message.includes(`In ${namespace} so far`)) error.message = `${error.message}\n${stage.describe()}`;
    throw error;
  } finally {
    await stage.close();
  }
}

function pathsOf({ tells = TOLD_BY_DEFAULT, byChance = [] }: Scenario, stage: Stage): Record<string, string[]> {
  const paths: Record<string, string[]> = {};
  for (const { subject, state } of stage.moments()) {
    if (tells.some((kind) => subject.startsWith(`${kind} `))) (paths[subject] ??= []).push(state);
  }
  for (const subject of byChance) if (paths[subject] !== undefined) paths[subject] = paths[subject].slice(-1);
  return Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function ordersBroken({ order = [] }: Scenario, stage: Stage): string[] {
  const first = new Map<string, number>();
  for (const { subject, state, revision } of stage.moments()) {
    const key = `${subject}: ${state}`;
    if (!first.has(key)) first.set(key, revision);
  }
  return order.flatMap(([before, after]) => {
    const missing = [before, after].filter((key) => !first.has(key));
    if (missing.length > 0) return missing.map((key) => `"${key}" has not happened`);
    return first.get(before)! < first.get(after)! ? [] : [`"${before}" came after "${after}"`];
  });
}

/** As it comes out of a file. */
function comparable(notes: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(notes)) as Record<string, unknown>;
}
