// `npm run docs:picture`: writes docs/images/zone-map.svg.

import { mkdirSync, writeFileSync } from 'node:fs';
import { zoneMap } from './zone-map.ts';

const folder = new URL('../../docs/images/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('zone-map.svg', folder), await zoneMap());
