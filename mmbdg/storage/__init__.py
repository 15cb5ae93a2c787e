"""The dataset on disk: layout, manifest, shards, reading, checksums, verification, label spaces and masks.

The package needs torch, numpy and mmengine only (and the small libraries that they depend on).
"""

from mmbdg.storage.label_spaces import LabelSpace, label_space
from mmbdg.storage.stored import StoredDataset

__all__ = ['LabelSpace', 'StoredDataset', 'label_space']
