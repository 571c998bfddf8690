import { describe, expect, it } from 'vitest';
import type { NodeSelectorTerm, PersistentVolume } from '../../src/kubernetes/objects.ts';
import { placeOf, zoneOfNode, zoneOfVolume, ZONE_KEYS } from '../../src/layout/zones.ts';
import { node, volume } from '../builders/kubernetes.ts';

const DISK_ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';
const REGION = 'topology.kubernetes.io/region';

function withTerms(...terms: NodeSelectorTerm[]): PersistentVolume {
  const made = volume();
  made.spec.nodeAffinity = { required: { nodeSelectorTerms: terms } };
  return made;
}

function withLabels(labels: Record<string, string>): PersistentVolume {
  const made = volume();
  delete made.spec.nodeAffinity;
  made.metadata.labels = labels;
  return made;
}

const isIn = (key: string, ...values: string[]): { key: string; operator: string; values: string[] } => ({ key, operator: 'In', values });

describe('the place of a volume', () => {
  it.each(ZONE_KEYS)('is read from the affinity key %s', (key) => {
    expect(placeOf(withTerms({ matchExpressions: [isIn(key, 'a')] }))).toEqual({ kind: 'zonal', zone: 'a' });
  });

  it.each(ZONE_KEYS)('is read from the label %s when there is no affinity', (key) => {
    expect(zoneOfVolume(withLabels({ [key]: 'a' }))).toBe('a');
  });

  it('affinity wins over labels', () => {
    const made = withTerms({ matchExpressions: [isIn(DISK_ZONE, 'b')] });
    made.metadata.labels = { 'failure-domain.beta.kubernetes.io/zone': 'a' };
    expect(zoneOfVolume(made)).toBe('b');
  });

  it('two zone keys in one term leave what both allow', () => {
    expect(placeOf(withTerms({ matchExpressions: [isIn(DISK_ZONE, 'a', 'b'), isIn('topology.kubernetes.io/zone', 'b', 'c')] }))).toEqual({ kind: 'zonal', zone: 'b' });
  });

  it('terms add up: one term a key is still one zone, two zones span', () => {
    const sameZone = ZONE_KEYS.map((key) => ({ matchExpressions: [isIn(key, 'a')] }));
    expect(placeOf(withTerms(...sameZone))).toEqual({ kind: 'zonal', zone: 'a' });
    expect(placeOf(withTerms({ matchExpressions: [isIn(DISK_ZONE, 'a')] }, { matchExpressions: [isIn(DISK_ZONE, 'b')] }))).toEqual({ kind: 'spanning', zones: ['a', 'b'] });
    expect(zoneOfVolume(withTerms({ matchExpressions: [isIn(DISK_ZONE, 'a', 'b')] }))).toBeUndefined();
  });

  it('a zone and its region is the zone', () => {
    expect(placeOf(withTerms({ matchExpressions: [isIn(DISK_ZONE, 'a'), isIn(REGION, 'cn-beijing')] }))).toEqual({ kind: 'zonal', zone: 'a' });
  });

  it('a region alone is a regional disk', () => {
    expect(placeOf(withTerms({ matchExpressions: [isIn(REGION, 'cn-beijing')] }))).toEqual({ kind: 'regional' });
    expect(placeOf(withLabels({ [REGION]: 'cn-beijing' }))).toEqual({ kind: 'regional' });
  });

  it('zones joined in a label span, as old cloud providers wrote them', () => {
    expect(placeOf(withLabels({ 'failure-domain.beta.kubernetes.io/zone': 'a__b' }))).toEqual({ kind: 'spanning', zones: ['a', 'b'] });
  });

  it('without affinity and labels it is anywhere', () => {
    expect(placeOf(withLabels({}))).toEqual({ kind: 'anywhere' });
  });

  it('a key that nobody here understands is kept, with the zone beside it', () => {
    expect(placeOf(withTerms({ matchExpressions: [isIn(DISK_ZONE, 'a'), isIn('alibabacloud.com/ecs-instance-id', 'i-1')] }))).toEqual({ kind: 'unknown', keys: ['alibabacloud.com/ecs-instance-id'], zone: 'a' });
    expect(placeOf(withTerms({ matchExpressions: [isIn('example.com/rack', 'r1')] }))).toEqual({ kind: 'unknown', keys: ['example.com/rack'] });
  });

  it('so is any operator but In', () => {
    expect(placeOf(withTerms({ matchExpressions: [{ key: DISK_ZONE, operator: 'NotIn', values: ['a'] }] }))).toEqual({ kind: 'unknown', keys: [DISK_ZONE] });
  });

  it('a local volume is on its node', () => {
    expect(placeOf(withTerms({ matchExpressions: [isIn('kubernetes.io/hostname', 'node-a')] }))).toEqual({ kind: 'node', hostnames: ['node-a'] });
    expect(placeOf(withTerms({ matchFields: [isIn('metadata.name', 'node-a')] }))).toEqual({ kind: 'node', hostnames: ['node-a'] });
    const bare = withLabels({});
    bare.spec.local = { path: '/mnt/disk' };
    expect(placeOf(bare)).toEqual({ kind: 'node', hostnames: [] });
  });
});

describe('the zone of a node', () => {
  it('is the standard label, else the CSI driver’s, else the old one', () => {
    const made = node({ zone: 'a', labels: { [DISK_ZONE]: 'x', 'failure-domain.beta.kubernetes.io/zone': 'y' } });
    expect(zoneOfNode(made)).toBe('a');
    delete made.metadata.labels?.['topology.kubernetes.io/zone'];
    expect(zoneOfNode(made)).toBe('x');
    delete made.metadata.labels?.[DISK_ZONE];
    expect(zoneOfNode(made)).toBe('y');
    made.metadata.labels = {};
    expect(zoneOfNode(made)).toBeUndefined();
  });
});
