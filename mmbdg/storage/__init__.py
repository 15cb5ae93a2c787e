"""The dataset on disk: layout, manifest, shards, reading, checksums and verification, label spaces, masks.

Imports with torch, numpy and mmengine (and small libraries these bring along).
"""

from mmbdg.storage.label_spaces import LabelSpace, label_space
from mmbdg.storage.stored import StoredDataset

__all__ = ['LabelSpace', 'StoredDataset', 'label_space']
