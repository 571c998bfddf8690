// The picture of the zone map is what the demo shows.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { zoneMap } from '../../scripts/picture/zone-map.ts';

/** Virtual time is quick; a machine that is busy with something else is not. */
const PATIENCE_MS = 120_000;

it('docs/images/zone-map.svg is as the demo makes it (npm run docs:picture writes it)', { timeout: PATIENCE_MS }, async () => {
  expect(readFileSync(new URL('../../docs/images/zone-map.svg', import.meta.url), 'utf8')).toBe(await zoneMap());
});
