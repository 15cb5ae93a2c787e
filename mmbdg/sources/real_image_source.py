"""Real images as a source, labelled by a feature interpreter on a frozen backbone."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.generators import ImageBackbone
from mmbdg.registry import SOURCES
from mmbdg.sources.base import LabelledBatch
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.given_image_source import GivenImageSource
from mmbdg.sources.labelled_generator import CARD, LabelledGenerator, check_bound
from mmbdg.storage.catalogue import Catalogue
from mmbdg.storage.originals import Store


@SOURCES.register_module()
class RealImageSource(GivenImageSource):
    """The user's own real images, or retrieved ones, with masks by a few-shot labeller.

    The labeller is a labelled generator whose generator is a frozen backbone (:class:`~mmbdg.generators.ImageBackbone`), trained on a few
    annotated real images: ``python tools/train.py configs/interpreter/real_fashion.py``. It is the baseline for generators at the
    same annotation cost. Sample i of a class is its i-th image, so a class has at most as many samples as images.

    Args:
        images: Folder with a folder of images for each class, or a dataset in our layout (one without masks too).
        labeller: Folder of the labeller.
        classes: Classes of the images, see :class:`~mmbdg.sources.class_list.ClassList`. Default None: those of the labeller.
        selection: Name of a selection of the dataset. Default None: all images.
        ignore_above: Disagreement in nats above which a pixel of a mask gets the ignore value. Default None: the labeller's own value.
        squash: True resizes both sides of an image to the size of the labeller; False resizes the short side and crops the centre.
            Default: False.
        licence: Licence of the images.
        precision: Precision of the labeller: "float32", "bfloat16" or "float16". Default: "float32".
        store: How images are stored that already have the size of the labeller: "encode", "copy" or "link" (hard links), see
            :attr:`~mmbdg.sources.Source.store`. All others are resized and encoded. Default: "encode".
        seed: Seed of the dataset; the samples do not depend on it.

    Raises:
        InputError: The folder or the labeller does not exist, the labeller is not for real images, the classes do not fit it, or a class
            has no image.
    """

    def __init__(
        self,
        images: str,
        labeller: str,
        classes: str | Sequence[Any] | None = None,
        selection: str | None = None,
        ignore_above: float | None = None,
        squash: bool = False,
        licence: str = '',
        precision: str = 'float32',
        store: Store = 'encode',
        seed: int = 0,
    ) -> None:
        self.check(images, labeller, ignore_above=ignore_above)
        self.labeller, self.folder = LabelledGenerator.load(labeller, precision=precision), LabelledGenerator.find(labeller)
        network = self.labeller._generator.on(self.labeller.device)
        if not isinstance(network, ImageBackbone):
            raise InputError(
                f'{labeller} labels the images of its own {type(network).__name__}, not real ones; train a labeller of real images: '
                'python tools/train.py configs/interpreter/real_fashion.py'
            )
        self.conditional = network.conditional
        super().__init__(images, self._class_list(classes), self.labeller.resolution, selection, squash, store, seed)
        if ignore_above is not None:
            self.labeller.ignore_above = ignore_above
        self.precision = precision
        self.most_disagreement = self.labeller.most_disagreement
        self.catalogue = Catalogue(
            self.classes.names, self.classes.ids, self.labeller.labels, self.labeller.ignore, self.labeller.resolution, licence
        )

    @staticmethod
    def check(images: str, labeller: str, ignore_above: float | None = None, **_: Any) -> None:
        """Check the values without reading a file.

        Raises:
            InputError: A value is out of its range.
        """
        check_bound(ignore_above)

    def to(self, device: Any) -> 'RealImageSource':
        self.labeller.to(device)
        return super().to(device)

    def masks(self, class_id: int, indices: Sequence[int], images: Tensor) -> LabelledBatch:
        latents = images.float().flatten(1) / 127.5 - 1
        return self.labeller.label([class_id if self.conditional else 0] * len(indices), indices, latents)

    def labeller_identity(self) -> dict[str, dict[str, Any]]:
        return dict(
            config=dict(ignore_above=self.labeller.ignore_above, precision=self.precision),
            checksums={name: sha256(self.folder / name) for name in (CARD, 'generator.safetensors', 'interpreter.safetensors')},
            versions={},
        )

    def _class_list(self, classes: Any) -> ClassList:
        own = ClassList([dict(id=folder, name=name) for folder, name in zip(self.labeller.folders, self.labeller.classes, strict=True)])
        if classes is None:
            return own
        given = ClassList(classes)
        if self.conditional and given.ids != own.ids:
            raise InputError(
                f'the labeller is conditioned on its own classes ({", ".join(own.ids[:10])}), got {", ".join(given.ids[:10])}; '
                'leave classes out, or train a labeller with generator.conditional=False'
            )
        return given
