// `npm run controlplane:build`: only builds, so that CI shows how long that takes, and tests that start later find everything there: the
// control plane, and the Prometheus that is tested against beside it.

import { buildPrometheus } from '../prometheus/build.ts';
import { buildControlPlane } from './build.ts';

const binaries = { ...(await buildControlPlane()), ...(await buildPrometheus()) };
process.stdout.write(`${Object.values(binaries).join('\n')}\n`);
