// The disk categories that the driver knows, and what it demands of each before it calls the cloud.

export interface Category {
  /** GiB; 0 where the driver sets no limit. */
  minimumGiB: number;
  /** Smallest size by performance level; absent where the category has none. */
  performanceLevels?: Readonly<Record<string, number>>;
  provisionedIops?: boolean;
  bursting?: boolean;
  /** Replicated over the region: no zone. */
  regional?: boolean;
}

const CATEGORIES: Readonly<Record<string, Category>> = {
  cloud: { minimumGiB: 0 },
  cloud_efficiency: { minimumGiB: 20 },
  cloud_ssd: { minimumGiB: 20 },
  cloud_essd: { minimumGiB: 20, performanceLevels: { PL0: 1, PL1: 20, PL2: 461, PL3: 1261 } },
  cloud_auto: { minimumGiB: 1, provisionedIops: true, bursting: true },
  cloud_essd_entry: { minimumGiB: 10 },
  cloud_regional_disk_auto: { minimumGiB: 10, regional: true },
};

export const CATEGORY_NAMES: readonly string[] = Object.keys(CATEGORIES);
export const PERFORMANCE_LEVELS: readonly string[] = ['PL0', 'PL1', 'PL2', 'PL3'];

/** Undefined for a category that the driver refuses. */
export function categoryOf(name: string): Category | undefined {
  return Object.hasOwn(CATEGORIES, name) ? CATEGORIES[name] : undefined;
}

/** One category, with one level where it has them: what one CreateDisk call asks for. */
export interface DiskType {
  category: string;
  performanceLevel?: string;
}

/** `cloud_essd.PL1`, or only the category. */
export function nameOf(type: DiskType): string {
  return type.performanceLevel === undefined ? type.category : `${type.category}.${type.performanceLevel}`;
}

/** GiB. */
export function minimumGiB(type: DiskType): number {
  const category = categoryOf(type.category);
  return category?.performanceLevels?.[type.performanceLevel ?? ''] ?? category?.minimumGiB ?? 0;
}
