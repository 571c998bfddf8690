// The region when no flag names it: where this machine stands, by the metadata service of ECS.

import type { Clock } from '../ports/clock.ts';

/** Link-local: answered by the hypervisor of an ECS instance, by nobody elsewhere. */
const METADATA = 'http://100.100.100.200/latest/meta-data/region-id';
const PATIENCE_MS = 2_000;

/** @throws Error for people when this is no ECS instance. */
export async function regionOfThisMachine(clock: Clock): Promise<string> {
  const gaveUp = new AbortController();
  const answered = new AbortController();
  void clock.sleep(PATIENCE_MS, answered.signal).then(() => gaveUp.abort());
  try {
    const answer = await fetch(METADATA, { signal: gaveUp.signal });
    const region = (await answer.text()).trim();
    if (answer.ok && /^[a-z0-9-]+$/.test(region)) return region;
    throw new Error(`it answered ${answer.status}`);
  } catch (error) {
    throw new Error('the region is not known: this machine has no ECS metadata service; say it with --region, e.g. --region cn-beijing', { cause: error });
  } finally {
    answered.abort();
  }
}
