"""Objects of a synthetic dataset."""

import numpy as np

from mmbdg.datasets.objects import Cutout, Objects
from mmbdg.datasets.synthetic import prepare_dataset
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS
from mmbdg.storage.label_spaces import Groups, label_space
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.plan import Synthesis


@DATASETS.register_module()
class StoredObjects(Objects):
    """The samples of a dataset written by ``tools/synthesize.py``, as folders or shards, cut out by their masks.

    The class of an object is the label of its image's class in a label space. Its mask is the pixels with this label, or the whole
    foreground if the masks tell only foreground from background. Ignored pixels are no part of an object.

    Args:
        data_root: Folder of the dataset; None: a cache folder (needs ``prepare``).
        prepare: ``synthesis`` dict of a synthesis config; a missing dataset is generated first, see
            :class:`~mmbdg.datasets.SyntheticSegDataset`.
        selection: Name of a selection of ``tools/select_samples.py``, to use its samples only; default None: all samples.
        label_space: "classes" (default: one class for each class of the images), or another one, see
            :func:`mmbdg.storage.label_spaces.label_space`; images of classes outside it are left out, and their number is logged.

    Raises:
        InputError: The dataset is missing, unfinished or damaged, has no masks, or they do not fit the label space; there is no such
            selection; (in ``cutout``) a file is damaged.
    """

    def __init__(
        self,
        data_root: str | None = None,
        prepare: dict | None = None,
        selection: str | None = None,
        label_space: str | Groups = 'classes',
    ) -> None:
        if data_root is None and prepare is None:
            raise InputError('StoredObjects needs data_root (a finished dataset) or prepare (a synthesis config)')
        root = prepare_dataset(Synthesis.from_config(prepare), data_root) if prepare else data_root
        self.stored = StoredDataset(root, selection)
        if not self.stored.catalogue.has_masks:
            raise InputError(f'{root} has no masks: its source gives images only, and objects are cut out by their masks')
        self._use(label_space, str(root))

    def _use(self, name: str | Groups, root: str) -> None:
        space, of_images = label_space(name, self.stored.catalogue.classes), self.stored.index.class_ids
        space.check_masks(self.stored.info['classes'], root)
        table = np.array([space.foreground_ids[i] - 1 if space.has(i) else -1 for i in range(len(self.stored.catalogue.classes))])
        self.classes = space.classes[1:]
        self.places = np.array(space.within(range(len(of_images)), lambda place: of_images[place], 'objects'), np.int64)
        """Line of each object in the manifest, int64 (N,)."""
        self.class_ids = table[of_images[self.places]]
        self._any = len(self.stored.info['classes']) == 2 or space.name == 'fgbg'  # any foreground belongs to the object

    def cutout(self, index: int) -> Cutout:
        """Image and mask of an object."""
        line = self.stored.lines[int(self.places[index])]
        stored = self.stored.mask(line)
        mask = (stored != 0) & (stored != self.stored.ignore) if self._any else stored == self.class_ids[index] + 1
        return Cutout(self.stored.image(line), mask)
