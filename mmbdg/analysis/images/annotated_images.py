"""Reads annotated latents as labelled images."""

from typing import Any

import numpy as np
import torch

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.listing import list_files


class AnnotatedImages(LabelledImages):
    """``mmbdg.AnnotatedLatents`` or ``mmbdg.RuleAnnotatedLatents`` as labelled images.

    The masks are the annotator's. The image of a sample is ``images/NAME/<class>/<stem>.png``, the file that the annotator saw. Where this
    file is missing, the generator makes the image again from the latent.

    Args:
        dataset: Dataset of annotated latents.
        name: Name of the dataset, used in messages and reports.
        generator: Config of the generator. None: every sample has an image file. Default: None.
        truncation: Truncation of the latents. It selects the generator's batch statistics. Default: None.
    """

    def __init__(self, dataset: Any, name: str, generator: dict | None = None, truncation: Any = None) -> None:
        self.dataset, self._config, self._truncation, self._built = dataset, generator, truncation, None
        root = getattr(dataset, 'root', None)
        folder = root / 'images' / dataset.name if root else None
        self.files = {path.stem: path for path in list_files(folder, ('.png',), depth=1).log().files} if folder and folder.is_dir() else {}
        super().__init__(
            name, dataset.metainfo['classes'], dataset.metainfo['palette'], dataset.space.ignore, dataset.metainfo['class_names']
        )
        counts = np.bincount(dataset.class_ids, minlength=len(self.classes))
        self.facts |= dict(source=name, counts=dict(zip(self.classes, counts.tolist(), strict=True)))

    def __len__(self) -> int:
        return len(self.dataset)

    def image(self, i: int) -> np.ndarray:
        stem = self.dataset[i]['data_samples'].get('stem')
        return self._generated(i) if stem not in self.files else open_image(self.files[stem])

    def mask(self, i: int) -> np.ndarray:
        return self.dataset[i]['data_samples'].gt_sem_seg.data[0].numpy()

    def class_of(self, i: int) -> int:
        return self.dataset.class_ids[i]

    def title(self, i: int) -> str:
        return self.dataset[i]['data_samples'].get('stem') or str(i)

    @torch.no_grad()
    def _generated(self, i: int) -> np.ndarray:
        from mmbdg.generators import to_pixels

        latent, label = self.dataset[i]['inputs'], torch.tensor([self.class_of(i)])
        return to_pixels(self._generator()(latent[None], label))[0].permute(1, 2, 0).numpy()

    def _generator(self) -> torch.nn.Module:
        from mmbdg.registry import MODELS
        from mmbdg.sources.truncation import select_statistics

        if self._built is None:
            if self._config is None:
                raise InputError(
                    f'{self.name} has neither images/ nor a generator to make them: give the dataset in the config of its interpreter, '
                    'CONFIG.py:train_dataloader.dataset'
                )
            self._built = MODELS.build(self._config)
            self._built.init_weights()
            select_statistics(self._built.eval(), self._truncation)
        return self._built
