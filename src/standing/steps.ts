// The steps of a move in words, for people who see them for the first time.

const WORDS: Readonly<Record<string, string>> = {
  rehearse: 'dry runs: will every write be accepted?',
  keepSource: 'the old volume is set to Retain',
  evict: 'the pod is evicted; its successor waits behind a gate',
  detach: 'the old disk comes off its node',
  snapshot: 'a snapshot of the old disk, last write included',
  createVolume: 'a volume for the new disk',
  swapClaim: 'the claim changes over to the new volume',
  ungate: 'the gate comes off: the scheduler places the pod',
  settle: 'all marks come off; the old disk is retained',
  restoreDetach: 'the newer disk comes off its node',
  restoreSnapshot: 'a snapshot of the newer disk, kept with it',
};

/** A step of another version is its own name. */
export function describeStep(step: string, to: string): string {
  if (step === 'reserve') return `a placeholder holds a node in ${to}`;
  if (step === 'createDisk') return `a new disk from the snapshot, in ${to}`;
  if (step === 'ready') return `the pod starts on its new disk, in ${to}`;
  return WORDS[step] ?? step;
}
