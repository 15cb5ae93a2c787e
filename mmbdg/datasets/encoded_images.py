"""Features of a labelled dataset, computed once by a frozen model."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import DefaultScope
from mmengine.utils import track_iter_progress
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmbdg.compat.checkpoint import load_strict, read_state_dict
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS, MODELS


@DATASETS.register_module()
class EncodedImages(Dataset):
    """Features of all images of a dataset, in its order, with their labels; for a linear probe.

    All images pass through the encoder when the dataset is built. The features stay in memory (2 GB for 1 M images and 512 numbers), and
    are computed again by every run: nothing on disk can become out of date. With several processes each of them encodes all images.

    An item is ``dict(inputs=float32 (D,), data_samples=DataSample with gt_label)``.

    Args:
        dataset: Config of a labelled dataset of mmpretrain or mmbdg, with the pipeline of a test, ending in ``PackInputs``.
        encoder: Config of a model with a backbone, such as ``mmpretrain.ImageClassifier`` with ``mmbdg.OpenCLIPBackbone``; its backbone and
            its data preprocessor are used.
        checkpoint: Checkpoint of a training of that model, whose ``backbone.`` is read; default None: the weights of ``init_weights``, such
            as those of the CLIP model.
        batch_size: Number of images at a time.
        num_workers: Number of worker processes that load images.
        device: Device of the encoder; default None: a GPU if there is one.

    Raises:
        InputError: The checkpoint has no backbone of this architecture, the data preprocessor does not fit the backbone, or the dataset is
            empty.
    """

    def __init__(
        self,
        dataset: Mapping[str, Any],
        encoder: Mapping[str, Any],
        checkpoint: str | None = None,
        batch_size: int = 256,
        num_workers: int = 0,
        device: str | None = None,
    ) -> None:
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            self.images = ROOT_DATASETS.build(dict(dataset)) if isinstance(dataset, Mapping) else dataset
            model = MODELS.build(dict(encoder))
        if not len(self.images):
            raise InputError('the dataset to encode is empty')
        if hasattr(model.backbone, 'check_preprocessor'):
            model.backbone.check_preprocessor(model.data_preprocessor)
        if checkpoint is None:
            model.init_weights()
        else:
            load_strict(model.backbone, read_state_dict(checkpoint, 'backbone.'), checkpoint)
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        loader = DataLoader(self.images, batch_size, num_workers=num_workers, collate_fn=pseudo_collate)
        print_log(f'encoding {len(self.images)} images by {type(model.backbone).__name__}', 'current')
        self.features, self.samples = _encoded(model.to(device).eval(), loader)

    @property
    def metainfo(self) -> dict:
        """Meta information of the dataset of images."""
        return self.images.metainfo

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(inputs=self.features[index], data_samples=self.samples[index])


@torch.no_grad()
def _encoded(model: Any, loader: DataLoader) -> tuple[Tensor, list]:
    features, samples = [], []
    for batch in track_iter_progress((loader, len(loader))) if len(loader) > 10 else loader:
        data = model.data_preprocessor(batch, training=False)
        features.append(model.extract_feat(data['inputs'])[-1].float().cpu())
        samples += batch['data_samples']
    return torch.cat(features), samples
