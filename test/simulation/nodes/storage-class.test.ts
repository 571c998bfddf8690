import { expect, it } from 'vitest';
import { storageClass } from '../../../src/simulation/nodes/storage-class.ts';

it('a StorageClass without wishes is the one that Alibaba Cloud ships for ESSDs', () => {
  expect(storageClass()).toEqual({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'alicloud-disk-essd' },
    provisioner: 'diskplugin.csi.alibabacloud.com',
    parameters: { type: 'cloud_essd' },
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
});

it('every wish is a parameter in the words of the driver', () => {
  const { parameters, reclaimPolicy, volumeBindingMode } = storageClass({
    name: 'x',
    type: 'cloud_essd,cloud_auto',
    performanceLevel: 'PL0',
    zoneIds: ['a', 'b'],
    encrypted: true,
    kmsKeyId: 'k',
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'Immediate',
    parameters: { diskTags: 'a:b' },
  });
  expect(parameters).toEqual({ type: 'cloud_essd,cloud_auto', performanceLevel: 'PL0', zoneId: 'a,b', encrypted: 'true', kmsKeyId: 'k', diskTags: 'a:b' });
  expect([reclaimPolicy, volumeBindingMode]).toEqual(['Retain', 'Immediate']);
});
