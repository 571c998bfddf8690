// What histories found, each with what it was: plans of histories that broke once, made small, and where no small plan shows it the test
// that does. They are plans and not seeds, since what a seed draws changes; only where the history itself or the simulation was wrong, which
// shows in long ones alone, a seed stands for it, for as long as it draws what it drew.

import type { ClusterPlan, HistoryPlan, ProductPlan, SetPlan } from '../../src/histories/plan.ts';
import { SMALL_PLAN, SMALL_SET } from './small-world.ts';

export interface Regression {
  was: string;
  plan: HistoryPlan;
}

const SET: SetPlan = {
  ...SMALL_SET,
  replicas: 1,
  policy: { zones: 'cn-test-b', 'ready-timeout': '20s', 'health-duration': '2s', 'source-retention': '20s', 'snapshot-retention': '20s' },
};

const PLAN: HistoryPlan = {
  ...SMALL_PLAN,
  cluster: {
    ...SMALL_PLAN.cluster,
    nodesPerZone: 1,
    cloud: { createDiskMs: 500, attachMs: 500, detachMs: 500, snapshotAvailableMs: 500, snapshotUploadMs: 5_000, callMs: 10, tagVisibilityLagMs: 0, listVisibilityLagMs: 0 },
    kubelet: { bootMs: 100, readyMs: 100, stopMs: 100, unmountMs: 100, writeMs: 2_000 },
  },
  product: { ...SMALL_PLAN.product, sweep: '*/20 * * * * *' },
  troubleMs: 60_000,
};

/** One pod that has to go from the first zone to the second, and nothing that goes wrong. */
function smallPlan(changes: Changes): HistoryPlan {
  const { set = {}, policy = {}, cloud = {}, product = {}, ...rest } = changes;
  return {
    ...PLAN,
    cluster: { ...PLAN.cluster, cloud: { ...PLAN.cluster.cloud, ...cloud } },
    product: { ...PLAN.product, ...product },
    sets: [{ ...SET, ...set, policy: { ...SET.policy, ...policy } }],
    ...rest,
  };
}

interface Changes extends Partial<Pick<HistoryPlan, 'seed' | 'troubleMs' | 'faults' | 'acts'>> {
  set?: Partial<SetPlan>;
  policy?: Record<string, string>;
  cloud?: Partial<ClusterPlan['cloud']>;
  product?: Partial<ProductPlan>;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    was: 'a Frozen move that a person released kept its finalizer for ever, although nothing was left to be done for it',
    plan: smallPlan({ faults: [{ name: 'pod never ready', from: 0, to: 120_000, chance: 1 }], acts: [{ name: 'ask to release', at: 1_000, lot: 0.5 }], troubleMs: 120_000 }),
  },
  {
    was: 'a status that a person wrote over the guard, Succeeded without saying when, threw in every report of the set',
    plan: smallPlan({ set: { replicas: 2 }, acts: [{ name: 'delete the webhook configurations', at: 500, lot: 0.01 }, { name: "write a record's status", at: 600, lot: 0.5 }], troubleMs: 30_000 }),
  },
  {
    was: 'a move whose taking back was taken back itself stayed Frozen, while its new disk was retired as the source of that one',
    plan: smallPlan({ policy: { 'health-duration': '15s' }, acts: [{ name: 'ask to reverse', at: 1_000, lot: 0.5 }, { name: 'ask to reverse', at: 9_000, lot: 0.3 }] }),
  },
  {
    was: 'an undo before the swap let the pod go, on the old disk, because the new one had been attached at the console',
    plan: smallPlan({ faults: [{ name: 'binder slow', from: 0, to: 20_000, chance: 0.5 }], acts: [{ name: 'attach the target disk by hand', at: 1_000, lot: 0.627 }, { name: 'ask to abort', at: 1_000, lot: 0.003 }] }),
  },
  {
    was: 'the next move of a set that was created again under its name began while the old one\'s move of the same ordinal was still being undone',
    plan: smallPlan({ cloud: { createDiskMs: 20_000 }, product: { atOnce: 2 }, acts: [{ name: 'delete the webhook configurations', at: 2_000, lot: 0.627 }, { name: 'replace the set', at: 5_000, lot: 0.527 }] }),
  },
  {
    was: 'restore-source waited for ever for a newer disk that somebody had deleted at the cloud',
    plan: smallPlan({
      policy: { 'ready-timeout': '60s' },
      cloud: { createDiskMs: 6_000 },
      faults: [{ name: 'scheduler slow', from: 0, to: 30_000, chance: 1 }],
      acts: [{ name: 'delete a target disk in the cloud', at: 10_000, lot: 0.627 }, { name: 'ask to restore the source', at: 11_000, lot: 0.003 }],
    }),
  },
  {
    was: 'a move back waited for ever to begin, because the disk that it was to start from had been deleted at the cloud',
    plan: smallPlan({
      seed: 12,
      policy: { 'on-unready': 'reverse', 'ready-timeout': '10s' },
      faults: [{ name: 'scheduler slow', from: 0, to: 30_000, chance: 1 }],
      acts: [{ name: 'delete a target disk in the cloud', at: 6_456, lot: 0.076 }, { name: 'ask to reverse', at: 9_960, lot: 0.941 }],
    }),
  },
  {
    was: 'CreateDisk was asked again at once for as long as its snapshot, which had failed after it could be used, was not ready: each answer was news by its request id, and woke the move',
    plan: smallPlan({ cloud: { snapshotUploadMs: 2_500, callMs: 300 }, product: { stepTimeoutMs: 900_000 }, faults: [{ name: 'snapshot fails', from: 0, to: 60_000, chance: 1 }] }),
  },
  {
    was: 'each pod that slipped past a webhook which knew the move, but not how far it was, was evicted at once, twenty times a second',
    plan: smallPlan({ seed: 13, faults: [{ name: 'watch late', from: 0, to: 60_000, chance: 0.5 }] }),
  },
  {
    was: 'a disk whose making nobody had written down was forgotten when it was asked for again, refused by a quota, and did not show yet',
    plan: smallPlan({
      seed: 10,
      cloud: { listVisibilityLagMs: 30_000 },
      faults: [{ name: 'create lost', from: 0, to: 40_000, chance: 0.5 }, { name: 'disk quota', from: 0, to: 60_000, chance: 0.6 }],
    }),
  },
  {
    was: 'what a move had left behind went at once when a person declared that one over by its status, which said nothing of when',
    plan: smallPlan({
      seed: 5,
      policy: { 'health-duration': '15s', 'source-retention': '200s', 'snapshot-retention': '200s' },
      acts: [{ name: 'delete the webhook configurations', at: 8_690, lot: 0.773 }, { name: "write a record's status", at: 10_000, lot: 0.22 }],
      troubleMs: 30_000,
    }),
  },
  {
    was: 'the undo left one of two snapshots that the cloud had made for one token, seen too late: the sweep finds that (invariant)',
    plan: smallPlan({
      seed: 8,
      cloud: { listVisibilityLagMs: 30_000 },
      faults: [{ name: 'token amnesia', from: 0, to: 30_000, chance: 1 }, { name: 'create lost', from: 0, to: 20_000, chance: 0.6 }],
      acts: [{ name: 'ask to abort', at: 1_000, lot: 0.156 }],
      troubleMs: 90_000,
    }),
  },
  {
    was: 'a move that a person declared over by its status kept the marks on claim and disk, and was taken for one that had settled (invariant)',
    plan: {"seed": 1704, "cluster": {"kubernetes": "1.30", "zones": 3, "nodesPerZone": 1, "pace": {"watch": [0, 3], "reconcile": [0, 2], "request": [0, 3]}, "cloud": {"createDiskMs": 246, "attachMs": 143, "detachMs": 684, "snapshotAvailableMs": 63, "snapshotUploadMs": 332, "callMs": 0, "tagVisibilityLagMs": 0, "listVisibilityLagMs": 1432}, "kubelet": {"bootMs": 642, "readyMs": 403, "stopMs": 170, "unmountMs": 65, "writeMs": 2500}, "detachingSnapshots": "inconsistent"}, "sets": [{"name": "web", "replicas": 1, "start": 0, "templates": ["data"], "binding": "WaitForFirstConsumer", "reclaim": "Retain", "podManagement": "Parallel", "update": "RollingUpdate", "claimRetention": {"whenDeleted": "Retain", "whenScaled": "Retain"}, "mayBeDown": undefined, "policy": {"zones": "cn-test-b,cn-test-d"}}], "product": {"daemons": 1, "clockRates": [1], "sweep": "* * * * *", "stepTimeoutMs": 92097, "coolDownMs": 78427, "atOnce": 2, "lease": {"durationMs": 30000, "retryMs": 10000}}, "faults": [], "acts": [{"name": "take the in-flight label off", "at": 14963, "lot": 0.4304867214523256}, {"name": "write a record's status", "at": 22312, "lot": 0.1842721861321479}], "troubleMs": 67172},
  },
  {
    was: 'a source disk was deleted while its successor went with the set that was being deleted: the last look was too early',
    plan: {"seed": 1758, "cluster": {"kubernetes": "1.36", "zones": 2, "nodesPerZone": 1, "pace": {"watch": [0, 3], "reconcile": [0, 2], "request": [0, 3]}, "cloud": {"createDiskMs": 24, "attachMs": 88, "detachMs": 259, "snapshotAvailableMs": 131, "snapshotUploadMs": 1651, "callMs": 173, "tagVisibilityLagMs": 0, "listVisibilityLagMs": 0}, "kubelet": {"bootMs": 399, "readyMs": 87, "stopMs": 71, "unmountMs": 89, "writeMs": 3620}, "detachingSnapshots": "inconsistent"}, "sets": [{"name": "web", "replicas": 2, "start": 0, "templates": ["data"], "binding": "WaitForFirstConsumer", "reclaim": "Delete", "podManagement": "OrderedReady", "update": "RollingUpdate", "claimRetention": {"whenDeleted": "Delete", "whenScaled": "Delete"}, "mayBeDown": undefined, "policy": {"zones": "cn-test-a,cn-test-b", "health-duration": "3s", "source-retention": "38s", "snapshot-retention": "1m"}}], "product": {"daemons": 1, "clockRates": [0.94, 1.18, 0.9], "sweep": "*/20 * * * * *", "stepTimeoutMs": 65345, "coolDownMs": 0, "atOnce": 2, "lease": {"durationMs": 30000, "retryMs": 4000}}, "faults": [{"name": "cloud unavailable", "from": 0, "to": 108872, "chance": 0.0092}], "acts": [{"name": "delete a volume", "at": 36845, "lot": 0.8735562800429761}, {"name": "delete the set", "at": 51766, "lot": 0.7990835015662014}], "troubleMs": 108872},
  },
  {
    was: 'scaled to zero and back under whenScaled=Delete, the StatefulSet controller waits for its resync (invariant)',
    plan: {"seed": 869, "cluster": {"kubernetes": "1.36", "zones": 2, "nodesPerZone": 2, "pace": {"watch": [0, 3554], "reconcile": [0, 65], "request": [0, 52]}, "cloud": {"createDiskMs": 7514, "attachMs": 2896, "detachMs": 2479, "snapshotAvailableMs": 67, "snapshotUploadMs": 2634, "callMs": 471, "tagVisibilityLagMs": 396, "listVisibilityLagMs": 0}, "kubelet": {"bootMs": 1183, "readyMs": 641, "stopMs": 111, "unmountMs": 30, "writeMs": 2694}, "detachingSnapshots": "inconsistent"}, "sets": [{"name": "web", "replicas": 1, "start": 0, "templates": ["data"], "binding": "WaitForFirstConsumer", "reclaim": "Delete", "podManagement": "OrderedReady", "update": "RollingUpdate", "claimRetention": {"whenDeleted": "Retain", "whenScaled": "Retain"}, "mayBeDown": undefined, "policy": {"zones": "cn-test-a,cn-test-b"}}], "product": {"daemons": 1, "clockRates": [1.13, 1, 1], "sweep": "*/20 * * * * *", "stepTimeoutMs": 201272, "coolDownMs": 16295, "atOnce": 1, "lease": {"durationMs": 20000, "retryMs": 2667}}, "faults": [], "acts": [{"name": "change the claim retention", "at": 181937, "lot": 0.6424906821921468}, {"name": "scale to zero", "at": 308881, "lot": 0.3071529034059495}], "troubleMs": 415085},
  },
  {
    was: 'a person deleted the claim of a pod that had not started: Kubernetes starts it no more (invariant)',
    plan: {"seed": 1587, "cluster": {"kubernetes": "1.36", "zones": 2, "nodesPerZone": 1, "pace": {"watch": [0, 3], "reconcile": [0, 2], "request": [0, 3]}, "cloud": {"createDiskMs": 1391, "attachMs": 216, "detachMs": 79, "snapshotAvailableMs": 229, "snapshotUploadMs": 6360, "callMs": 2, "tagVisibilityLagMs": 5294, "listVisibilityLagMs": 0}, "kubelet": {"bootMs": 218, "readyMs": 2966, "stopMs": 533, "unmountMs": 164, "writeMs": 2316}, "detachingSnapshots": "refused"}, "sets": [{"name": "web", "replicas": 1, "start": 0, "templates": ["data"], "binding": "WaitForFirstConsumer", "reclaim": "Delete", "podManagement": "OrderedReady", "update": "OnDelete", "claimRetention": {"whenDeleted": "Retain", "whenScaled": "Delete"}, "mayBeDown": undefined, "policy": {"zones": "cn-test-a,cn-test-c,cn-test-b"}}], "product": {"daemons": 1, "clockRates": [1], "sweep": "*/20 * * * * *", "stepTimeoutMs": 91718, "coolDownMs": 116428, "atOnce": 2, "lease": {"durationMs": 30000, "retryMs": 10000}}, "faults": [{"name": "attacher slow", "from": 0, "to": 61752, "chance": 0.1263}], "acts": [{"name": "delete the set", "at": 4023, "lot": 0.6294807782396674}, {"name": "delete a claim", "at": 12174, "lot": 0.3095656435471028}], "troubleMs": 61752},
  },
  {
    was: 'a record whose finalizer a person took off before its ending was seen to left the namespace labelled as if something were in flight',
    plan: {"seed":1090,"cluster":{"kubernetes":"1.30","zones":2,"nodesPerZone":1,"pace":{"watch":[0,447],"reconcile":[0,73],"request":[0,20]},"cloud":{"createDiskMs":1780,"attachMs":215,"detachMs":39,"snapshotAvailableMs":1837,"snapshotUploadMs":3015,"callMs":0,"tagVisibilityLagMs":2669,"listVisibilityLagMs":0},"kubelet":{"bootMs":23,"readyMs":2160,"stopMs":178,"unmountMs":683,"writeMs":1521},"detachingSnapshots":"refused"},"sets":[{"name":"web","replicas":3,"start":0,"templates":["data"],"binding":"Immediate","reclaim":"Delete","podManagement":"Parallel","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Retain"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-a","health-duration":"4s"}}],"product":{"daemons":1,"clockRates":[1],"sweep":"*/30 * * * * *","stepTimeoutMs":101104,"coolDownMs":0,"atOnce":2,"lease":{"durationMs":15000,"retryMs":5000}},"faults":[{"name":"daemon killed at a record","from":0,"to":161810,"chance":0.0278},{"name":"cloud call timed out","from":80713,"to":92761,"chance":0.0051}],"acts":[{"name":"take a record's finalizer off","at":32676,"lot":0.61518649966456},{"name":"take a record's finalizer off","at":62050,"lot":0.5598924269434065},{"name":"take a record's finalizer off","at":71969,"lot":0.9293112193699926}],"troubleMs":161810},
  },
  {
    was: 'an evacuation said "Moving" for good about an ordinal that is pinned to its zone, and the set blamed max-skew',
    plan: {"seed":509,"cluster":{"kubernetes":"1.30","zones":3,"nodesPerZone":1,"pace":{"watch":[0,3],"reconcile":[0,2],"request":[0,3]},"cloud":{"createDiskMs":169,"attachMs":55,"detachMs":37,"snapshotAvailableMs":1204,"snapshotUploadMs":139789,"callMs":44,"tagVisibilityLagMs":111825,"listVisibilityLagMs":22377},"kubelet":{"bootMs":22,"readyMs":2022,"stopMs":1967,"unmountMs":807,"writeMs":2766},"detachingSnapshots":"refused"},"sets":[{"name":"web","replicas":2,"start":0,"templates":["data"],"binding":"WaitForFirstConsumer","reclaim":"Delete","podManagement":"Parallel","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Delete"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-c","source-retention":"54s","snapshot-retention":"5s","pin":"1=cn-test-b"}}],"product":{"daemons":1,"clockRates":[1],"sweep":"*/2 * * * *","stepTimeoutMs":179391,"coolDownMs":11287,"atOnce":3,"lease":{"durationMs":30000,"retryMs":4000}},"faults":[],"acts":[{"name":"evacuate a zone","at":278738,"lot":0.26350892055779696}],"troubleMs":393446},
  },
  {
    was: 'an evacuation said "Moving" for good about an ordinal with a move made by hand that is held',
    plan: {"seed":2365,"cluster":{"kubernetes":"1.36","zones":2,"nodesPerZone":1,"pace":{"watch":[0,3],"reconcile":[0,2],"request":[0,3]},"cloud":{"createDiskMs":70,"attachMs":842,"detachMs":568,"snapshotAvailableMs":707,"snapshotUploadMs":3328,"callMs":773,"tagVisibilityLagMs":36,"listVisibilityLagMs":0},"kubelet":{"bootMs":1287,"readyMs":2290,"stopMs":91,"unmountMs":151,"writeMs":3266},"detachingSnapshots":"refused"},"sets":[{"name":"web","replicas":3,"start":0,"templates":["data"],"binding":"WaitForFirstConsumer","reclaim":"Retain","podManagement":"Parallel","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Delete"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-a","snapshot-retention":"25s"}}],"product":{"daemons":1,"clockRates":[1],"sweep":"*/20 * * * * *","stepTimeoutMs":168924,"coolDownMs":0,"atOnce":2,"lease":{"durationMs":30000,"retryMs":4000}},"faults":[],"acts":[{"name":"make a record by hand","at":4913,"lot":0.7049612842965871},{"name":"evacuate a zone","at":26813,"lot":0.4573854384943843}],"troubleMs":146920},
  },
  {
    was: 'an evacuation said "Moving" for good about an ordinal that waits behind a frozen move',
    plan: {"seed":894,"cluster":{"kubernetes":"1.36","zones":2,"nodesPerZone":1,"pace":{"watch":[0,3],"reconcile":[0,2],"request":[0,3]},"cloud":{"createDiskMs":25885,"attachMs":501,"detachMs":4216,"snapshotAvailableMs":8966,"snapshotUploadMs":12204,"callMs":0,"tagVisibilityLagMs":0,"listVisibilityLagMs":0},"kubelet":{"bootMs":122,"readyMs":170,"stopMs":55,"unmountMs":544,"writeMs":1741},"detachingSnapshots":"inconsistent"},"sets":[{"name":"web","replicas":4,"start":0,"templates":["data"],"binding":"Immediate","reclaim":"Delete","podManagement":"OrderedReady","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Retain"},"mayBeDown":undefined,"policy":{"zones":"cn-test-c,cn-test-b","health-duration":"7s","source-retention":"forever","snapshot-retention":"6s"}}],"product":{"daemons":1,"clockRates":[1],"sweep":"*/20 * * * * *","stepTimeoutMs":222167,"coolDownMs":0,"atOnce":2,"lease":{"durationMs":20000,"retryMs":2667}},"faults":[],"acts":[{"name":"evacuate a zone","at":23125,"lot":0.4418074314016849},{"name":"make a volume for the same disk","at":112028,"lot":0.9756594877690077}],"troubleMs":172529},
  },
  {
    was: 'what the market had sold out was asked for again while a history counted as at rest (histories)',
    plan: {"seed":1319,"cluster":{"kubernetes":"1.36","zones":3,"nodesPerZone":1,"pace":{"watch":[0,14],"reconcile":[0,7],"request":[0,4]},"cloud":{"createDiskMs":179,"attachMs":264,"detachMs":135,"snapshotAvailableMs":148,"snapshotUploadMs":1705,"callMs":0,"tagVisibilityLagMs":0,"listVisibilityLagMs":431},"kubelet":{"bootMs":2746,"readyMs":31,"stopMs":26,"unmountMs":434,"writeMs":2714},"detachingSnapshots":"inconsistent"},"sets":[{"name":"web","replicas":3,"start":0,"templates":["data"],"binding":"WaitForFirstConsumer","reclaim":"Delete","podManagement":"Parallel","update":"RollingUpdate","claimRetention":{"whenDeleted":"Delete","whenScaled":"Retain"},"mayBeDown":1,"policy":{"zones":"cn-test-b,cn-test-c","health-duration":"5s","source-retention":"8s","snapshot-retention":"34s","max-skew":"1","move-last":"statefulset.kubernetes.io/pod-name=web-4"}}],"product":{"daemons":1,"clockRates":[1,1.33,1],"sweep":"* * * * *","stepTimeoutMs":95112,"coolDownMs":21293,"atOnce":3,"lease":{"durationMs":30000,"retryMs":10000}},"faults":[{"name":"webhook slow","from":0,"to":65519,"chance":1},{"name":"watch broken","from":0,"to":65519,"chance":0.322},{"name":"watch broken","from":0,"to":65519,"chance":0.3397},{"name":"daemon paused","from":0,"to":65519,"chance":0.0292},{"name":"internal error","from":0,"to":65519,"chance":0.0249},{"name":"daemon killed before a request","from":11799,"to":36060,"chance":0.0094},{"name":"provisioner slow","from":44402,"to":58206,"chance":0.2069},{"name":"zone sold out","from":51648,"to":64450,"chance":1},{"name":"webhook behind","from":51967,"to":65519,"chance":0.7072}],"acts":[{"name":"scale up","at":4418,"lot":0.8629460765514523},{"name":"ask to release","at":8278,"lot":0.7404319932684302},{"name":"make a volume for the same disk","at":12174,"lot":0.135463937651366},{"name":"ask to abort","at":31863,"lot":0.9525798154063523},{"name":"delete the webhook configurations","at":35027,"lot":0.21261754352599382},{"name":"delete the set","at":38074,"lot":0.18251173733733594},{"name":"make a volume for the same disk","at":39880,"lot":0.7352068747859448}],"troubleMs":65519},
  },
  {
    was: 'a frozen move went on when its pod got Ready long after the trouble, while a history counted as at rest (histories)',
    plan: {"seed":5742,"cluster":{"kubernetes":"1.36","zones":4,"nodesPerZone":1,"pace":{"watch":[0,167],"reconcile":[0,219],"request":[0,13]},"cloud":{"createDiskMs":1491,"attachMs":21,"detachMs":399,"snapshotAvailableMs":259,"snapshotUploadMs":397,"callMs":0,"tagVisibilityLagMs":366,"listVisibilityLagMs":0},"kubelet":{"bootMs":205,"readyMs":485,"stopMs":36,"unmountMs":81,"writeMs":3243},"detachingSnapshots":"refused"},"sets":[{"name":"db","replicas":1,"start":0,"templates":["data"],"binding":"WaitForFirstConsumer","reclaim":"Retain","podManagement":"OrderedReady","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Delete"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-d,cn-test-c","ready-timeout":"38s","source-retention":"81s","snapshot-retention":"35s","pin":"0=cn-test-c"}}],"product":{"daemons":1,"clockRates":[0.95,0.9,1],"sweep":"* * * * *","stepTimeoutMs":60753,"coolDownMs":0,"atOnce":3,"lease":{"durationMs":20000,"retryMs":6667}},"faults":[{"name":"webhook down","from":0,"to":109605,"chance":1},{"name":"pod never ready","from":0,"to":109605,"chance":0.1009}],"acts":[{"name":"delete an ended record","at":21796,"lot":0.36301811691373587}],"troubleMs":109605},
  },
  {
    was: 'the disk of a claim that went with a scale to zero was attached late, beside that of the next claim (invariant)',
    plan: {"seed":6197,"cluster":{"kubernetes":"1.36","zones":2,"nodesPerZone":1,"pace":{"watch":[0,1492],"reconcile":[0,28],"request":[0,17]},"cloud":{"createDiskMs":2737,"attachMs":7283,"detachMs":50,"snapshotAvailableMs":36,"snapshotUploadMs":29464,"callMs":3,"tagVisibilityLagMs":0,"listVisibilityLagMs":52},"kubelet":{"bootMs":31,"readyMs":45,"stopMs":1197,"unmountMs":124,"writeMs":4462},"detachingSnapshots":"refused"},"sets":[{"name":"web","replicas":2,"start":0,"templates":["data"],"binding":"Immediate","reclaim":"Delete","podManagement":"OrderedReady","update":"OnDelete","claimRetention":{"whenDeleted":"Retain","whenScaled":"Delete"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-a","source-retention":"20s","snapshot-retention":"20s","max-skew":"2"}}],"product":{"daemons":1,"clockRates":[1,1,1],"sweep":"*/2 * * * *","stepTimeoutMs":157757,"coolDownMs":0,"atOnce":1,"lease":{"durationMs":15000,"retryMs":2000}},"faults":[{"name":"disk stuck creating","from":0,"to":140945,"chance":0.6463},{"name":"daemon killed at a cloud call","from":63898,"to":69292,"chance":0.4974},{"name":"zone sold out midway","from":107890,"to":140945,"chance":0.4222}],"acts":[{"name":"scale to zero","at":281,"lot":0.20267712837085128},{"name":"take a zone out","at":27539,"lot":0.14058888098224998},{"name":"approve the plan","at":34839,"lot":0.04767691530287266},{"name":"orphan the pods","at":40586,"lot":0.8689116598106921},{"name":"make a volume for the same disk","at":60113,"lot":0.07282038498669863},{"name":"set a quota","at":69596,"lot":0.5847315974533558},{"name":"scale to zero","at":103965,"lot":0.18912431714124978},{"name":"set a quota","at":106738,"lot":0.6967990626581013}],"troubleMs":140945},
  },
  {
    was: 'a paused daemon counted as one at rest (histories)',
    plan: {"seed":7060,"cluster":{"kubernetes":"1.30","zones":3,"nodesPerZone":1,"pace":{"watch":[0,13],"reconcile":[0,10],"request":[0,9]},"cloud":{"createDiskMs":354,"attachMs":294,"detachMs":473,"snapshotAvailableMs":52,"snapshotUploadMs":9444,"callMs":6,"tagVisibilityLagMs":205,"listVisibilityLagMs":0},"kubelet":{"bootMs":50,"readyMs":58,"stopMs":44,"unmountMs":263,"writeMs":2489},"detachingSnapshots":"inconsistent"},"sets":[{"name":"web","replicas":2,"start":0,"templates":["data"],"binding":"WaitForFirstConsumer","reclaim":"Retain","podManagement":"Parallel","update":"RollingUpdate","claimRetention":{"whenDeleted":"Retain","whenScaled":"Delete"},"mayBeDown":undefined,"policy":{"zones":"cn-test-b,cn-test-c","ready-timeout":"32s","health-duration":"1s","source-retention":"12s","snapshot-retention":"11s","pin":"0=cn-test-b"}}],"product":{"daemons":1,"clockRates":[1,1,0.99],"sweep":"* * * * *","stepTimeoutMs":57401,"coolDownMs":9543,"atOnce":3,"lease":{"durationMs":15000,"retryMs":5000}},"faults":[{"name":"daemon paused","from":0,"to":56600,"chance":0.0807},{"name":"webhook slow","from":0,"to":56600,"chance":1},{"name":"cloud call reset","from":6640,"to":22004,"chance":0.0122},{"name":"watch late","from":41376,"to":56600,"chance":0.6441}],"acts":[{"name":"write a record's status","at":10209,"lot":0.21110394480638206},{"name":"a sibling turns unready","at":13910,"lot":0.07438731822185218},{"name":"write a record's status","at":33919,"lot":0.5429801512509584},{"name":"write a record's status","at":36680,"lot":0.9382521165534854}],"troubleMs":56600},
  },
  {
    was: 'labels and annotations that people put on a claim while its move was under way were lost when the claim was made again on its new disk',
    plan: smallPlan({ acts: [{ name: 'label a claim and its volume', at: 1_000, lot: 0.3 }] }),
  },
];

export interface ShownElsewhere {
  was: string;
  /** Under test/. */
  file: string;
  /** As it stands in the file. */
  title: string;
}

/** What histories found, too, and what no small plan shows: it took a coincidence, or what is wrong about it no invariant can tell. */
export const ALSO: readonly ShownElsewhere[] = [
  {
    was: 'an undo before the swap froze nothing although both disks had been attached, and nobody could tell which of them held what counts',
    file: 'migration/hand-edits.test.ts',
    title: 'and the old one touched since its snapshot: nobody can tell which holds what counts, and no pod starts on either',
  },
  {
    was: 'a disk of which the id was known but not written down was asked for again, the cloud made a second one, and nobody looked for the first',
    file: 'alicloud/create.test.ts',
    title: 'that would have made a second disk, the first one known but not written down: the two are left to a person',
  },
  {
    was: 'a claim was made and deleted some forty times a second for as long as a webhook that was behind steered it to the other volume',
    file: 'migration/undo.test.ts',
    title: 'against a webhook that steers claims to the new volume for a while yet: the claim is made again, and not in every turn',
  },
  {
    was: 'a patch that was on its way when its daemon was killed marked a claim that had been given back',
    file: 'migration/fences.test.ts',
    title: 'a claim is only ever patched as it was read: a patch that comes late, from a daemon that is gone, changes nothing',
  },
  {
    was: 'an undo that a person had taken up again ended without a word of why',
    file: 'migration/hand-edits.test.ts',
    title: 'robbed of its claimRef while an undo needs it: the move freezes with the reason, and says one at its end when a person resumes it',
  },
  {
    was: 'a rehearsal that was refused was written down in every turn, because each probe has another name',
    file: 'migration/rehearsal.test.ts',
    title: 'a refusal %s is written once, and ends the move when it lasts',
  },
  {
    was: 'every save of a visit woke the next visit',
    file: 'controller/wake.test.ts',
    title: 'a move is not woken by what its own visits have written, its set is',
  },
  {
    was: 'the record of what is kept for ever went with the surplus ones, and with it the only word of where the disk is',
    file: 'controller/kept-records.test.ts',
    title: 'are kept for as long as what they tell of is kept for ever, though they have let go of it',
  },
  {
    was: 'a status with retentions past all calendars threw in every report of its set',
    file: 'controller/nonsense.test.ts',
    title: 'retentions that are past all calendars',
  },
  {
    was: 'an attach that a pod past the webhook had begun reached the old disk after the gate had come off',
    file: 'migration/fences.test.ts',
    title: 'the old volume, with an attachment again: the gate waits until it is gone, for the driver may be about to attach the disk',
  },
  {
    was: 'a pod that OrderedReady would not make again was moved, undone and moved again for hours',
    file: 'planner/guards.test.ts',
    title: 'unless it is made again only after others that are down: OrderedReady',
  },
  {
    was: 'the old disk was looked at before it was marked, and somebody attached it while the room was handed over and before the gate came off',
    file: 'migration/fences.test.ts',
    title: 'the old disk, touched in the very last moment before the gate comes off: the pod does not start on the copy',
  },
  {
    was: 'a pod that ran on after people had taken its claim away wrote for nobody (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'but one to a disk that no claim is on any more, by a pod that outlived its claim, is owed to nobody',
  },
  {
    was: 'a pod was moved that could not be made again: another one of its set stood in the StatefulSet controller’s way, waiting for a claim that was being deleted',
    file: 'planner/guards.test.ts',
    title: 'unless another one waits for a claim that is being deleted: the StatefulSet controller stops there',
  },
  {
    was: 'a frozen move that had yet to learn the id of what it had asked for counted as one that had forgotten it (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'but what a record in flight has the token of is not forgotten: whoever goes on asks for it again',
  },
  {
    was: 'a frozen move that went on by itself while another one began counted as one too many (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'though one that was Frozen may go on while another one that was made by then begins',
  },
  {
    was: 'a disk whose instance went before its first attach had come through counted as attached (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'and an attach that was cut short, its instance gone, counts for nothing',
  },
  {
    was: 'what a person had let go of by its record’s finalizer counted as overdue (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'unless a person has taken its record’s finalizer off: then nobody deletes it any more',
  },
  {
    was: 'what an undo leaves Retain and labelled because its claim is being deleted counted as forgotten (invariant)',
    file: 'histories/invariants.test.ts',
    title: 'but a claim that is being deleted keeps its mark, and its volume stays Retain and marked, for a person to see',
  },
  {
    was: 'a pod was moved that could not be made again: the one in the StatefulSet controller’s way was that of a Frozen move',
    file: 'planner/guards.test.ts',
    title: 'unless another one waits for a claim that is being deleted: the StatefulSet controller stops there',
  },
  {
    was: 'a pod slipped past a webhook that was behind after restore-source had snapshotted the newer disk, and what it wrote was in no snapshot',
    file: 'migration/undo.test.ts',
    title: 'goes back under `restore-source` only with a snapshot of what a pod that slipped past the webhook has written since the first one',
  },
  {
    was: 'a claim that an undo gave back had lost the labels and annotations that people had put on it, when the StatefulSet controller had made it again and it was Bound before the daemon looked',
    file: 'migration/undo.test.ts',
    title: 'with the labels and annotations that people had put on the claim, though the StatefulSet controller made it again',
  },
];

export const SEEDS: readonly { was: string; seed: number }[] = [
  { seed: 7540, was: 'a Frozen move whose pod got Ready after all went on by itself when the history was at rest already (wait)' },
  { seed: 9119, was: 'a disk that a delayed call left stuck for good after the faults had ended, when everything stuck had been let go (simulated cloud)' },
  { seed: 9388, was: 'a zone that had sold out was planned with again when the history was at rest already, and the report had not told of it, for another zone would do (wait)' },
  { seed: 12412, was: 'a pod that a slow cloud had yet to start counted as one that nobody starts (wait)' },
  { seed: 13110, was: 'a pod whose disk could be attached only after a while counted as one that nobody starts (wait)' },
  { seed: 14472, was: 'a window closed by a clock that ran slow when the history was at rest already (wait)' },
  { seed: 15116, was: 'a claim that people deleted after it had been given back kept our label, for its pod held it to the end (invariant)' },
  { seed: 15834, was: 'people labelled a claim that had just been made again, and its predecessor was thought to say that it has no such label (invariant)' },
  { seed: 16834, was: 'a cool-down that another reason hid ended, and the reason changed, when the history was at rest already (wait)' },
  { seed: 17413, was: 'people had deleted one of a pod’s two claims, and the next one of its name came in another zone, where the pod can never run (invariant)' },
  { seed: 19990, was: 'a driver that polled stuck disks for ten minutes counted as something that goes round and round (limit)' },
];
