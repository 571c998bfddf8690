// The disk categories of ECS: their sizes, and which are instantly usable from a snapshot.

import type { OnSale } from './settings.ts';

interface SizeRange {
  minGiB: number;
  maxGiB: number;
}

const RANGES: Record<string, SizeRange> = {
  cloud: { minGiB: 5, maxGiB: 2_000 },
  cloud_efficiency: { minGiB: 20, maxGiB: 32_768 },
  cloud_ssd: { minGiB: 20, maxGiB: 32_768 },
  cloud_auto: { minGiB: 1, maxGiB: 65_536 },
  cloud_essd_entry: { minGiB: 10, maxGiB: 32_768 },
  cloud_regional_disk_auto: { minGiB: 10, maxGiB: 65_536 },
};

const ESSD_RANGES: Record<string, SizeRange> = {
  PL0: { minGiB: 1, maxGiB: 65_536 },
  PL1: { minGiB: 20, maxGiB: 65_536 },
  PL2: { minGiB: 461, maxGiB: 65_536 },
  PL3: { minGiB: 1_261, maxGiB: 65_536 },
};

export const REGIONAL_CATEGORY = 'cloud_regional_disk_auto';

export const categories: string[] = [...Object.keys(RANGES), 'cloud_essd'];

/** Undefined for a category or level that does not exist. */
export function sizeRange(category: string, performanceLevel: string): SizeRange | undefined {
  return category === 'cloud_essd' ? ESSD_RANGES[performanceLevel] : RANGES[category];
}

/** Only the ESSD family is usable before its upload has ended. */
export function hasInstantSnapshots(category: string): boolean {
  return ['cloud_essd', 'cloud_auto', 'cloud_essd_entry', REGIONAL_CATEGORY].includes(category);
}

/** A zone that sells everything. */
export function everythingOnSale(): OnSale[] {
  return categories.map((category) => ({ category }));
}
