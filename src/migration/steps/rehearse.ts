// Before anything is touched: would the pod be gated, the claim steered and accepted, the new PV accepted?

import { rehearseCreates } from '../rehearsal.ts';
import type { Step } from '../step.ts';

export const rehearse: Step = { deadline: true, run: rehearseCreates };
