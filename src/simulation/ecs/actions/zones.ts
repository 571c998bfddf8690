// DescribeZones and DescribeAvailableResource: what is on sale where.

import { sizeRange } from '../categories.ts';
import { invalidParameter, noSuchZone } from '../refusals.ts';
import type { OnSale } from '../settings.ts';
import { type Action, checkRegion } from './action.ts';

export const describeZones: Action = (call) => {
  checkRegion(call);
  call.parameters.text('AcceptLanguage');
  call.parameters.text('InstanceChargeType');
  call.parameters.text('SpotStrategy');
  call.parameters.flag('Verbose');
  call.parameters.finish();
  const zones = [...call.state.zones].map(([ZoneId, onSale]) => ({
    ZoneId,
    LocalName: ZoneId,
    ZoneType: 'AvailabilityZone',
    AvailableResourceCreation: { ResourceTypes: onSale.length === 0 ? [] : ['VSwitch', 'IoOptimized', 'Instance', 'Disk'] },
    AvailableDiskCategories: { DiskCategories: onSale.map((item) => item.category) },
  }));
  return { Zones: { Zone: zones } };
};

/** Only `ResourceType=disk`, `DestinationResource=DataDisk`. Where nothing is found the answer holds no zone at all, as the real one. */
export const describeAvailableResource: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call);
  const destination = parameters.required('DestinationResource');
  const type = parameters.text('ResourceType') ?? 'instance';
  const zone = parameters.text('ZoneId');
  const category = parameters.text('DataDiskCategory');
  parameters.text('InstanceChargeType');
  parameters.finish();
  if (destination !== 'DataDisk' || type !== 'disk') throw invalidParameter('DestinationResource', 'the simulation answers for DataDisk with ResourceType disk');
  if (zone !== undefined && !state.zones.has(zone)) throw noSuchZone(zone);
  const zones = [...state.zones]
    .filter(([id]) => zone === undefined || id === zone)
    .map(([id, onSale]) => ({ id, onSale: onSale.filter((item) => category === undefined || item.category === category) }))
    .filter(({ onSale }) => onSale.length > 0);
  return zones.length === 0 ? {} : { AvailableZones: { AvailableZone: zones.map(({ id, onSale }) => apiZone(state.region, id, onSale)) } };
};

function apiZone(RegionId: string, ZoneId: string, onSale: OnSale[]): Record<string, unknown> {
  const stock = { Status: 'Available', StatusCategory: 'WithStock' };
  const resources = onSale.map((item) => {
    const range = sizeRange(item.category, item.performanceLevels?.[0] ?? 'PL0');
    return { ...stock, Value: item.category, Min: range?.minGiB, Max: range?.maxGiB, Unit: 'GiB' };
  });
  return { RegionId, ZoneId, ...stock, AvailableResources: { AvailableResource: [{ Type: 'DataDisk', SupportedResources: { SupportedResource: resources } }] } };
}
