import { describe, expect, it } from 'vitest';
import { ANNOTATION_NAMES, ANNOTATIONS, keyOf, type AnnotationName } from '../../src/policy/annotations.ts';
import { checkAnnotations, defaultPolicy, parsePolicy, parseRules, parseTerms, type Policy } from '../../src/policy/policy.ts';

type Declared = Partial<Record<AnnotationName, string>>;

function keys(declared: Declared): Record<string, string> {
  return Object.fromEntries(Object.entries(declared).map(([name, value]) => [keyOf(name as AnnotationName), value]));
}

function policyOf(set: Declared, namespace: Declared = {}, podManagementPolicy?: string): Policy {
  const result = parsePolicy({ setAnnotations: keys(set), namespaceAnnotations: keys(namespace), podManagementPolicy });
  if (result.kind !== 'policy') throw new Error(JSON.stringify(result));
  return result.policy;
}

function problemsOf(set: Declared, namespace: Declared = {}, podManagementPolicy?: string): { key: string; value: string; on: string; message: string }[] {
  const result = parsePolicy({ setAnnotations: keys(set), namespaceAnnotations: keys(namespace), podManagementPolicy });
  return result.kind === 'invalid' ? result.problems : [];
}

describe('a policy', () => {
  it('is off without zones, whatever else is there', () => {
    expect(parsePolicy({ setAnnotations: undefined })).toEqual({ kind: 'off' });
    expect(parsePolicy({ setAnnotations: keys({ mode: 'nonsense' }) })).toEqual({ kind: 'off' });
  });

  it('with zones alone has the defaults of the contract', () => {
    expect(policyOf({ zones: 'a,b' })).toEqual({ ...defaultPolicy, zones: { kind: 'list', zones: ['a', 'b'] } });
    expect(defaultPolicy).toMatchObject({ maxSkew: 1, mode: 'auto', maxUnavailable: 1, readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000, paused: false });
    expect(defaultPolicy.sourceRetentionMs).toBeUndefined();
  });

  it('reads every annotation', () => {
    const digest = 'a'.repeat(64);
    expect(
      policyOf(
        {
          zones: ' cn-beijing-h , cn-beijing-j ',
          'max-skew': '2',
          pin: '0=cn-beijing-h, 3=cn-beijing-j',
          mode: 'plan',
          approve: digest,
          strategy: 'rolling',
          'max-unavailable': '3',
          window: '0 2 * * 6 for 4h in Asia/Shanghai',
          'ready-timeout': '1h30m',
          'health-duration': '0s',
          'on-unready': 'reverse',
          'max-downtime': '15m',
          'move-last': 'role=primary',
          'snapshot-retention': 'forever',
          'source-retention': '7d',
          'allow-operator': 'true',
          'place-new': 'false',
          paused: 'true',
        },
        {},
        'Parallel',
      ),
    ).toEqual({
      zones: { kind: 'list', zones: ['cn-beijing-h', 'cn-beijing-j'] },
      maxSkew: 2,
      pins: { 0: 'cn-beijing-h', 3: 'cn-beijing-j' },
      mode: 'plan',
      approve: digest,
      strategy: 'rolling',
      maxUnavailable: 3,
      windows: [{ cron: '0 2 * * 6', durationMs: 14_400_000, timeZone: 'Asia/Shanghai' }],
      readyTimeoutMs: 5_400_000,
      healthDurationMs: 0,
      onUnready: 'reverse',
      maxDowntimeMs: 900_000,
      moveLast: 'role=primary',
      snapshotRetentionMs: 'forever',
      sourceRetentionMs: 604_800_000,
      allowOperator: true,
      placeNew: false,
      paused: true,
    });
  });

  it('takes defaults from the namespace, and the set wins key by key', () => {
    expect(policyOf({ 'max-skew': '3' }, { zones: '*', 'max-skew': '2', mode: 'plan' })).toMatchObject({ zones: { kind: 'any' }, maxSkew: 3, mode: 'plan' });
  });

  it('does not mind a wrong default that the set overrides', () => {
    expect(policyOf({ mode: 'auto' }, { zones: 'a', mode: 'fast' }).mode).toBe('auto');
  });
});

describe('a wrong value', () => {
  it.each<[AnnotationName, string, string]>([
    ['zones', '', 'a zone is empty'],
    ['zones', 'a,,b', 'a zone is empty'],
    ['zones', 'a b', 'cannot be the name of a zone'],
    ['zones', 'a,b,a', 'zone "a" is there twice'],
    ['zones', 'a,*', 'stands alone'],
    ['zones', Array.from({ length: 101 }, (_, index) => `z${index}`).join(','), 'more than 100'],
    ['max-skew', '0', 'at least 1'],
    ['max-skew', '1.5', 'at least 1'],
    ['max-skew', '-1', 'at least 1'],
    ['max-skew', '1e3', 'at least 1'],
    ['max-skew', '12345678901', 'digits'],
    ['pin', '0', 'form <ordinal>=<zone>'],
    ['pin', '0=', 'form <ordinal>=<zone>'],
    ['pin', 'web-0=a', 'form <ordinal>=<zone>'],
    ['pin', '0=a,00=b', 'ordinal 0 is there twice'],
    ['mode', 'Auto', 'none of auto, plan, disabled'],
    ['approve', 'yes', 'not the digest of a plan'],
    ['strategy', 'fast', 'no strategy'],
    ['strategy', 'recreate', 'comes in a later version'],
    ['max-unavailable', '0', 'at least 1'],
    ['max-unavailable', '50%', 'at least 1'],
    ['window', 'always', 'does not have the form'],
    ['ready-timeout', '10', 'not a duration'],
    ['ready-timeout', '0s', 'no time at all'],
    ['health-duration', 'forever', 'not a duration'],
    ['health-query', '', 'asks for nothing'],
    ['health-query', 'x'.repeat(2_001), 'more than 2000 characters'],
    ['on-unready', 'rollback', 'none of hold, reverse, restore-source'],
    ['max-downtime', '0m', 'no time at all'],
    ['move-last', '', 'would select every pod'],
    ['move-last', 'role=a b', 'none of key=value'],
    ['snapshot-retention', 'never', 'not a duration'],
    ['source-retention', '-1', 'not a duration'],
    ['allow-operator', 'yes', 'neither "true" nor "false"'],
    ['place-new', 'true', 'comes in a later version'],
    ['place-new', '1', 'neither'],
    ['paused', 'True', 'neither'],
  ])('%s: %j is refused with key, value, what is allowed and what to do', (name, value, why) => {
    const [problem, ...others] = problemsOf({ zones: 'a', [name]: value }, {}, 'Parallel');
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ key: keyOf(name), value, on: 'StatefulSet', allowed: ANNOTATIONS[name].allowed, example: ANNOTATIONS[name].example });
    expect(problem?.message).toContain(why);
    expect(problem?.message).toContain(`${keyOf(name)}: "${value}"`);
    expect(problem?.message).toMatch(/Remove it\.$|Correct or remove it\.$/);
  });

  it('is reported with all the others', () => {
    expect(problemsOf({ zones: 'a', mode: 'x', paused: 'y', 'max-skew': '0' }).map(({ key }) => key)).toEqual(['zonespread.io/max-skew', 'zonespread.io/mode', 'zonespread.io/paused']);
  });

  it('names the Namespace when it stands there', () => {
    expect(problemsOf({ zones: 'a' }, { mode: 'x' })).toMatchObject([{ on: 'Namespace', message: expect.stringContaining('Namespace annotation zonespread.io/mode: "x" is refused') }]);
  });
});

it.each(ANNOTATION_NAMES.filter((name) => ANNOTATIONS[name].example !== ''))('the example of %s is allowed', (name) => {
  expect(ANNOTATIONS[name].read(ANNOTATIONS[name].example)).toMatchObject({ ok: true });
});

describe('values that do not go together', () => {
  it('a pin outside the zones is refused, under * it is not', () => {
    expect(problemsOf({ zones: 'a,b', pin: '0=a,3=c' })).toMatchObject([{ key: 'zonespread.io/pin', message: expect.stringContaining('ordinal 3 is pinned to "c", which is not in zonespread.io/zones (a,b)') }]);
    expect(policyOf({ zones: '*', pin: '3=c' }).pins).toEqual({ 3: 'c' });
  });

  it('more than one unavailable is refused under OrderedReady, which is also the default', () => {
    for (const podManagementPolicy of ['OrderedReady', undefined]) {
      expect(problemsOf({ zones: 'a', 'max-unavailable': '2' }, {}, podManagementPolicy)).toMatchObject([{ key: 'zonespread.io/max-unavailable', message: expect.stringContaining('OrderedReady') }]);
    }
    expect(problemsOf({ zones: 'a', 'max-unavailable': '1' })).toEqual([]);
    expect(problemsOf({ zones: 'a', 'max-unavailable': '2' }, {}, 'Parallel')).toEqual([]);
  });

  it('says how a set gets out of a namespace default that it cannot have', () => {
    expect(problemsOf({ zones: 'a' }, { 'max-unavailable': '2' })).toMatchObject([{ on: 'Namespace', message: expect.stringContaining('give this StatefulSet its own zonespread.io/max-unavailable: "1"') }]);
  });

  it('restore-source with a retention of nothing would lose what was written since', () => {
    expect(problemsOf({ zones: 'a', 'on-unready': 'restore-source', 'source-retention': '0s' })).toMatchObject([{ key: 'zonespread.io/source-retention', message: expect.stringContaining('restore-source') }]);
    expect(problemsOf({ zones: 'a', 'on-unready': 'restore-source', 'snapshot-retention': '0s', 'source-retention': '1h' })).toMatchObject([{ key: 'zonespread.io/snapshot-retention' }]);
    expect(problemsOf({ zones: 'a', 'on-unready': 'restore-source', 'health-duration': '0s' })).toEqual([]);
    expect(problemsOf({ zones: 'a', 'on-unready': 'hold', 'source-retention': '0s' })).toEqual([]);
  });
});

describe('pin and approve', () => {
  it('are refused on a Namespace and say where they belong', () => {
    const { problems } = checkAnnotations({ on: 'Namespace', annotations: keys({ pin: '0=a', approve: 'a'.repeat(64) }) });
    expect(problems.map(({ key, on }) => ({ key, on }))).toEqual([
      { key: 'zonespread.io/pin', on: 'Namespace' },
      { key: 'zonespread.io/approve', on: 'Namespace' },
    ]);
    expect(problems[0]?.message).toContain('put it on the StatefulSet');
  });
});

describe('warnings', () => {
  it.each([
    ['zonespread.io/zone', 'Did you mean zonespread.io/zones?'],
    ['zonespread.io/max-skw', 'Did you mean zonespread.io/max-skew?'],
    ['zonespread.io/helth-duration', 'Did you mean zonespread.io/health-duration?'],
    ['zonespread.io/something-else-entirely', 'Remove it.'],
  ])('%s is unknown: %s', (key, advice) => {
    const { problems, warnings } = checkAnnotations({ on: 'StatefulSet', annotations: { [key]: 'x' } });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([`StatefulSet annotation ${key} is unknown and has no effect. ${advice}`]);
  });

  it('are not given for keys of others, nor for the admission override', () => {
    expect(checkAnnotations({ on: 'StatefulSet', annotations: { 'zonespread.io/override': 'web-2-abcde', 'example.com/zones': 'x' } }).warnings).toEqual([]);
  });

  it('tell that an approval does nothing outside mode plan, and what restore-source costs', () => {
    const { warnings } = checkAnnotations({ on: 'StatefulSet', annotations: keys({ approve: 'a'.repeat(64), 'on-unready': 'restore-source' }) });
    expect(warnings).toEqual([expect.stringContaining('unless zonespread.io/mode is "plan"'), expect.stringContaining('goes back to the old disk')]);
  });
});

describe('admission of one object', () => {
  it('judges a StatefulSet without its Namespace', () => {
    expect(checkAnnotations({ on: 'StatefulSet', annotations: keys({ pin: '0=a' }) }).problems).toEqual([]);
    expect(checkAnnotations({ on: 'StatefulSet', annotations: keys({ 'max-unavailable': '2' }) }).problems).toHaveLength(1);
    expect(checkAnnotations({ on: 'StatefulSet', annotations: undefined })).toEqual({ problems: [], warnings: [] });
  });

  it('leaves to each set what only some of them forbid', () => {
    expect(checkAnnotations({ on: 'Namespace', annotations: keys({ zones: '*', 'max-unavailable': '2' }) }).problems).toEqual([]);
  });
});

describe('a move by hand', () => {
  it('takes its rules from a set without zones, or the defaults', () => {
    expect(parseRules({ setAnnotations: {} })).toEqual({ kind: 'rules', rules: defaultPolicy, warnings: [] });
    expect(parseRules({ setAnnotations: keys({ 'allow-operator': 'true' }), namespaceAnnotations: keys({ paused: 'true' }) })).toMatchObject({ rules: { allowOperator: true, paused: true } });
  });

  it('is not stopped by wrong zones or pins, but by any other wrong rule', () => {
    expect(parseRules({ setAnnotations: keys({ zones: 'a,,', pin: 'x' }) })).toMatchObject({ kind: 'rules' });
    expect(parseRules({ setAnnotations: keys({ zones: 'a', paused: 'maybe' }) })).toMatchObject({ kind: 'invalid', problems: [{ key: 'zonespread.io/paused' }] });
  });

  it('takes its terms even when other keys are wrong', () => {
    expect(parseTerms({ setAnnotations: keys({ zones: ',', paused: 'x', 'ready-timeout': '5m', 'source-retention': 'forever' }) })).toEqual({
      kind: 'terms',
      terms: { readyTimeoutMs: 300_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000, sourceRetentionMs: 'forever' },
    });
    expect(parseTerms({ setAnnotations: keys({ 'ready-timeout': 'soon' }) })).toMatchObject({ kind: 'invalid', problems: [{ key: 'zonespread.io/ready-timeout' }] });
  });
});
