// `npm run controlplane:build`: only builds, so that CI shows how long that takes, and tests that start later find everything there: the
// control plane, and the Prometheus and the helm that are tested with beside it.

import { buildHelm } from '../helm/build.ts';
import { buildPrometheus } from '../prometheus/build.ts';
import { buildControlPlane } from './build.ts';

const binaries = { ...(await buildControlPlane()), ...(await buildPrometheus()), helm: await buildHelm() };
process.stdout.write(`${Object.values(binaries).join('\n')}\n`);
