// All checks, each look on its own.

import { DiskError } from '../../ports/disks.ts';
import { ApiError, ApiUnreachable } from '../../kubernetes/api.ts';
import { explain } from '../failure.ts';
import { classes } from './classes.ts';
import { cloud } from './cloud.ts';
import { driver } from './driver.ts';
import { unknown, type Check, type Finding, type Look, type Patient } from './finding.ts';
import { installation } from './installation.ts';
import { kubernetes } from './kubernetes.ts';
import { rights } from './rights.ts';
import { declaredSets } from './sets.ts';

const CHECKS: readonly Check[] = [kubernetes, installation, rights, driver, classes, cloud, declaredSets];

export interface Examined {
  area: string;
  findings: Finding[];
}

/** @throws what nobody expects: a bug must not pass for a sick cluster. */
export function examine(patient: Patient): Promise<Examined[]> {
  return Promise.all(CHECKS.map(async (check) => ({ area: check.area, findings: (await Promise.all(check.looks.map((look) => taken(look, patient)))).flat() })));
}

async function taken(look: Look, patient: Patient): Promise<Finding[]> {
  try {
    return await look(patient);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof ApiUnreachable || error instanceof DiskError)) throw error;
    return [unknown(`it could not be looked at: ${explain(error)}`, 'run doctor as somebody who may read the whole cluster')];
  }
}
