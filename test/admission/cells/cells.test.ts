// Every cell of the table through the rules, in memory: who × what × in which state of the move, none left undecided.

import { describe, expect, test } from 'vitest';
import { judge, MUTATING, VALIDATING } from '../../../src/admission/judge.ts';
import type { Review } from '../../../src/admission/review.ts';
import type { World } from '../../../src/admission/rules/rule.ts';
import { creating, deleting, updating, world, type Asked } from '../builders.ts';
import { ACTORS, DAEMON, PERHAPS, type ActorName } from './actors.ts';
import { ACTS, mergePatched, nameOf, OBJECTS, VERBS, type Act } from './acts.ts';
import { Stage, STATES, ZONES, type State } from './stage.ts';
import { cells, fits, IMPOSSIBLE, isImpossible, lineFor, POLICIES_ALONE, TABLE, type Cell, type Verdict } from './table.ts';

const POSSIBLE = cells().filter((cell) => !isImpossible(cell));
const STAGES = new Map(STATES.map((state) => [state, new Stage(state)]));
const stageOf = (state: State): Stage => STAGES.get(state)!;

function worldOf(state: State, by: ActorName): World {
  const stage = stageOf(state);
  return world({
    records: stage.records(),
    namespaces: { [stage.namespace]: stage.known() },
    sets: { [`${stage.namespace}/web`]: { start: 0, replicas: 6, override: undefined } },
    zones: ZONES,
    controller: PERHAPS.includes(by) ? { username: ACTORS[by].user, dedicated: false } : { username: ACTORS[DAEMON[0]!].user, dedicated: true },
  });
}
const WORLDS = new Map(STATES.flatMap((state) => [true, false].map((perhaps) => [`${state} ${perhaps}`, worldOf(state, perhaps ? PERHAPS[0]! : DAEMON[0]!)])));

/** The reviews that the API server asks for it; none for a subresource of which no rule is told. */
function reviewsOf({ by, act, state }: Cell): Review[] {
  const stage = stageOf(state);
  const { user, groups } = ACTORS[by];
  const before = act.subject(stage);
  const asked: Asked = { by: user, groups: [...groups], ...(act.underUID === true ? { uidPrecondition: before.metadata.uid ?? '' } : {}) };
  if (act.verb === 'evict') return [];
  if (act.verb === 'create') return [creating(before, asked)];
  if (act.verb === 'delete' || act.verb === 'deletecollection') return [deleting(before, asked)];
  const after = mergePatched(before, act.patch?.(stage));
  return [updating(before, after, { ...asked, ...(act.verb === 'status' ? { subResource: 'status' } : {}) })];
}

function verdictOf(cell: Cell): Verdict {
  const within = WORLDS.get(`${cell.state} ${PERHAPS.includes(cell.by)}`)!;
  const verdicts = reviewsOf(cell).map((review): Verdict => {
    const [mutation, validation] = [judge(MUTATING, review, within), judge(VALIDATING, review, within)];
    expect([...mutation.failures, ...validation.failures]).toEqual([]);
    const { decision } = validation;
    if (decision.kind === 'deny') return `refuse:${decision.rule}`;
    if (mutation.decision.kind === 'allow' && mutation.decision.patch.length > 0) return mutation.decision.rule as 'gate' | 'steer';
    return decision.warnings.length > 0 ? `warn:${decision.rule}` : 'allow';
  });
  return verdicts[0] ?? 'allow';
}

const described = ({ by, act, state }: Cell): string => `${by}, ${state}, ${nameOf(act)}`;

describe('the table', () => {
  test('has every object with every verb, or says why there is none', () => {
    const pairs = OBJECTS.flatMap((object) => VERBS.map((verb) => ({ object, verb })));
    const left = pairs.filter(({ object, verb }) => !ACTS.some((act) => act.object === object && act.verb === verb) && !IMPOSSIBLE.some((line) => line.in === undefined && line.change === undefined && fits(line, { by: 'person', state: 'none', act: { object, verb, change: '' } as Act })));
    expect(left.map(({ object, verb }) => `${object}: ${verb}`)).toEqual([]);
  });

  test('leaves no cell undecided', () => {
    expect(POSSIBLE.filter((cell) => lineFor(cell) === undefined).map(described)).toEqual([]);
    expect(POSSIBLE.length).toBeGreaterThan(10_000);
  });

  test('has no line that decides nothing, and none without a reason', () => {
    const used = new Set(POSSIBLE.map(lineFor));
    expect(TABLE.filter((line) => !used.has(line)).map(({ because }) => because)).toEqual([]);
    expect([...TABLE, ...IMPOSSIBLE, ...POLICIES_ALONE].filter(({ because }) => because.length < 10)).toEqual([]);
  });

  test('names no policy\'s difference that is none', () => {
    const differing = POLICIES_ALONE.filter((line) => POSSIBLE.some((cell) => fits(line, cell) && (line.of === undefined || line.of.test(lineFor(cell)?.verdict ?? ''))));
    expect(differing).toHaveLength(POLICIES_ALONE.length);
  });
});

describe.each(STATES)('%s', (state) => {
  test.each(OBJECTS)('%s: each cell is as the table says', (object) => {
    const here = POSSIBLE.filter((cell) => cell.state === state && cell.act.object === object);
    const wrong = here.map((cell) => ({ cell, is: verdictOf(cell), wanted: lineFor(cell)?.verdict })).filter(({ is, wanted }) => is !== wanted);
    expect(wrong.map(({ cell, is, wanted }) => `${described(cell)}: ${is}, not ${wanted}`)).toEqual([]);
  });
});
