"""The layouts in which a dataset is shared, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mmbdg.sharing.coco_folder import write_coco_folder
from mmbdg.sharing.fiftyone_folder import write_fiftyone_folder
from mmbdg.sharing.image_folder import write_image_folder
from mmbdg.sharing.options import Options
from mmbdg.sharing.samples import Shared
from mmbdg.sharing.web_shards import write_web_shards
from mmbdg.sharing.yolo_folder import write_yolo_folder


class Layout(NamedTuple):
    """A layout.

    Attributes:
        write: Writes the layout into an empty folder, and returns remarks for the user.
        needs_masks: Whether the dataset must have masks.
        hub: Pattern of the data files that the hub's viewer reads; None if it reads none.
        reading: Python code that reads the layout; FOLDER stands for its folder.
    """

    write: Callable[[Shared, Path, Options], list[str]]
    needs_masks: bool
    hub: str | None
    reading: str


IMAGE_FOLDER = """
from datasets import load_dataset

data = load_dataset('FOLDER', split='train')
sample = data[0]
image, mask = sample['image'], sample['mask']  # of Pillow; mask: numbers of labels.json
name = data.features['label'].int2str(sample['label'])
"""
WEBDATASET = """
import webdataset

data = webdataset.WebDataset('FOLDER/train/{000000..LAST}.tar', shardshuffle=False).decode('pil')
sample = next(iter(data.rename(image='png;jpg', mask='mask.png', facts='json')))
image, mask = sample['image'], sample['mask'].convert('L')  # decode('pil') gives RGB
name = sample['facts']['class']
"""
COCO = """
from pycocotools.coco import COCO

coco = COCO('FOLDER/instances.json')
image = coco.loadImgs(coco.getImgIds()[0])[0]  # image['file_name'] is relative to FOLDER
masks = [coco.annToMask(one) for one in coco.loadAnns(coco.getAnnIds(image['id']))]
"""
YOLO = """
from ultralytics import YOLO

model = YOLO('yolo11n-seg.yaml')
model.train(data='FOLDER/data.yaml', epochs=10)
"""
FIFTYONE = """
import fiftyone, json

kind = fiftyone.types.ImageSegmentationDirectory
data = fiftyone.Dataset.from_dir('FOLDER', dataset_type=kind, include_all_data=True)
rows = {row['key']: row for row in map(json.loads, open('FOLDER/samples.jsonl'))}
for sample in data.iter_samples(autosave=True):
    sample['class'] = rows[sample.filename.split('.')[0]]['class']
"""
LAYOUTS = dict(
    imagefolder=Layout(write_image_folder, False, 'train/**', IMAGE_FOLDER),
    webdataset=Layout(write_web_shards, False, 'train/*.tar', WEBDATASET),
    coco=Layout(write_coco_folder, True, None, COCO),
    yolo=Layout(write_yolo_folder, True, None, YOLO),
    fiftyone=Layout(write_fiftyone_folder, True, None, FIFTYONE),
)
