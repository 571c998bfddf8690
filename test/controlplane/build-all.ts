// `npm run controlplane:build`: only builds, so that CI shows how long that takes, and tests that start later find everything there.

import { buildControlPlane } from './build.ts';

const binaries = await buildControlPlane();
process.stdout.write(`${Object.values(binaries).join('\n')}\n`);
