// Verbs of the contract that this version does not have, each with what does the same until then.

export const LATER_VERBS: Readonly<Record<string, string>> = {
  doctor: 'until then: see the log of the controller and kubectl get --raw of its /readyz',
  completion: 'until then: zonespread --help lists what there is',
};
