// The recorded reviews (record.ts), and the world that they were asked in.

import { readdirSync, readFileSync } from 'node:fs';
import type { World } from '../../../src/admission/rules/rule.ts';
import type { OrdinalMigration } from '../../../src/migration/record.ts';
import { world } from '../builders.ts';

export interface Recorded {
  /** `<chapter>--<operation>-<kind>--<who>`. */
  name: string;
  text: string;
}

const FOLDER = new URL('reviews/', import.meta.url);

export const RECORDED: readonly Recorded[] = readdirSync(FOLDER)
  .toSorted()
  .map((file) => ({ name: file.replace(/\.json$/, ''), text: readFileSync(new URL(file, FOLDER), 'utf8') }));

/** With the migration of shop/web's ordinal 2 in flight, at swapClaim. */
export function recordedWorld(): World {
  const records = JSON.parse(readFileSync(new URL('migrations.json', import.meta.url), 'utf8')) as OrdinalMigration[];
  return world({ records });
}
