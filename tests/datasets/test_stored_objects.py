"""Objects of synthetic datasets: which pixels of a mask belong to the object. tests/storage reads selections and shards."""

import numpy as np
import pytest
from ranked import write_ranked

from mmbdg.datasets import StoredObjects
from mmbdg.errors import InputError
from mmbdg.files import write_png

PALETTE = [[i, i, i] for i in range(4)]


def test_an_object_is_the_pixels_with_the_label_of_its_class(tmp_path):
    """Not those of other labels, and not ignored ones; in the label space "fgbg" all foreground belongs to it."""
    root = write_ranked(tmp_path / 'data', classes=['background', 'Cat', 'Dog', 'Eel'], palette=PALETTE)
    mask = np.repeat(np.array([[2], [1], [255], [0]], np.uint8), 4, axis=1)
    write_png(root / 'masks/dog/00000001.png', mask)
    objects, foreground = StoredObjects(str(root)), StoredObjects(str(root), label_space='fgbg')
    assert objects.classes == ('Cat', 'Dog', 'Eel') and objects.class_ids.tolist() == [0] * 5 + [1] * 3 + [2]
    assert foreground.classes == ('foreground',) and foreground.class_ids.tolist() == [0] * 9
    assert (objects.cutout(6).mask == (mask == 2)).all() and (objects.cutout(6).image == 10).all()
    assert (foreground.cutout(6).mask == ((mask == 1) | (mask == 2))).all()
    assert objects.cutout(0).mask.all() and not objects.cutout(8).mask.any()  # these masks have the label of a cat


def test_datasets_without_the_masks_of_the_classes(tmp_path):
    three = write_ranked(tmp_path / 'three', classes=['background', 'a', 'b'], palette=PALETTE[:3])
    with pytest.raises(InputError, match='hold 3 labels, but label_space="classes" needs'):
        StoredObjects(str(three))
    with pytest.raises(InputError, match='has no masks: its source gives images only, and objects are cut out by their masks'):
        StoredObjects(str(write_ranked(tmp_path / 'none', classes=[], palette=[], masks=False)))
    with pytest.raises(InputError, match='holds no synthetic dataset'):
        StoredObjects(str(tmp_path / 'nowhere'))
    with pytest.raises(InputError, match='nothing'):
        StoredObjects(str(three), selection='nothing')
