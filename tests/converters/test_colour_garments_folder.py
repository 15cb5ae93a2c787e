"""The garments in colour as folders: the files hold the images and masks of the dataset, and annotated images read them."""

import numpy as np
import pytest

from mmbdg.assets.class_lists import class_names, folder_names
from mmbdg.converters.colour_garments import write_colour_garments
from mmbdg.datasets import AnnotatedImages, ColourGarments
from mmbdg.errors import InputError
from mmbdg.images import open_image

NAMES, FOLDERS = class_names('fashion32'), folder_names('fashion32')


def test_files_hold_the_images_of_the_dataset(tmp_path):
    out, data = tmp_path / 'fifty', ColourGarments(label_space='fgbg', label_fraction=0.002, label_seed=3)
    assert write_colour_garments(out, label_fraction=0.002, label_seed=3) == len(data) == 20
    assert len(list(out.rglob('*.png'))) == 40
    for i in range(0, 20, 3):
        info = data.get_data_info(i)
        name = f'{FOLDERS[info["gt_label"]]}/{info["img_id"]:05d}.png'
        assert np.array_equal(open_image(out / 'images' / name)[..., ::-1], info['img'])  # the dataset is BGR, files are RGB
    annotated = AnnotatedImages(str(out), NAMES, 32)
    by_name = {
        f'{FOLDERS[sample.gt_label.item()]}/{sample.stem}': sample.gt_sem_seg.data[0] for sample in (i['data_samples'] for i in annotated)
    }
    for i in range(20):
        info = data.get_data_info(i)
        assert np.array_equal(by_name[f'{FOLDERS[info["gt_label"]]}/{info["img_id"]:05d}'].numpy(), info['gt_seg_map'])
    with pytest.raises(InputError, match='is there already'):
        write_colour_garments(out, label_fraction=0.002)


def test_images_alone(tmp_path):
    assert write_colour_garments(tmp_path / 'out', 'test', label_fraction=0.01, masks=False) == 10
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['images']
    assert sorted(path.name for path in (tmp_path / 'out/images').iterdir()) == sorted(FOLDERS)
