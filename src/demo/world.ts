// What a story is told in: a cluster with its own time, and the books that are opened when it is over. The real control plane is one
// world, the simulated cluster another.

import type { Api } from '../kubernetes/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { EcsModel } from '../simulation/ecs/model.ts';
import type { KubeletRecords } from '../simulation/kubelet/records.ts';

export interface World {
  /** The cluster's time, which need not be ours. */
  readonly clock: Clock;
  readonly random: Random;
  /** An administrator's way to the API server. */
  readonly http: Http;
  readonly api: Api;
  /** What nodes, driver and onlooker have to say. */
  readonly log: Log;
  readonly books: Books;
}

/** Kept by others than the product. */
export interface Books {
  /** The kubelets'. */
  readonly records: KubeletRecords;
  readonly cloud: EcsModel;
  /** Writes to StatefulSets by the users that the product acts as, as the API server has them. */
  productWritesToSets(): Promise<{ user: string; verb: string }[]>;
}
