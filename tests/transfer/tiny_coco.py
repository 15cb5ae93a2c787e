"""A COCO folder of composed scenes: polygons, both kinds of run lengths, a crowd, an image without annotation."""

import json

import numpy as np
from composed_scenes import compose, polygons_of, save
from plain_lengths import plain_lengths

from mmbdg import run_lengths

GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
"""Ids from 1 to 90 that COCO does not use."""
IDS = [i for i in range(1, 91) if i not in GAPS]


def write_coco(root):
    """Write root/annotations/instances_{train,val}2017.json and the images. Garment c is category ``IDS[8 * c]``.

    In each list the first object of the first image has compressed run lengths, and its last object is a crowd with plain run
    lengths. All others have polygons. The last training image has no annotation.
    """
    from mmdet.datasets import CocoDataset

    names = CocoDataset.METAINFO['classes']
    for part, count in dict(train=4, val=2).items():
        images, annotations = [], []
        for number in range(count):
            empty = part == 'train' and number == count - 1
            # One of the training images is upright.
            scene = compose(
                number,
                *((128, 96) if part == 'train' and number == 1 else (96, 128)),
                0 if empty else 3,
                split=dict(val='test').get(part, part),
            )
            name = f'{1000 * (part == "val") + number + 1:012}.jpg'
            save(root / f'{part}2017' / name, scene.image, quality=95)
            height, width = scene.image.shape[:2]
            images.append(dict(id=int(name[:12]), file_name=name, height=height, width=width, license=1))
            for position, (mask, box, label) in enumerate(zip(scene.masks, scene.boxes().tolist(), scene.labels, strict=True)):
                first, crowd = (number, position) == (0, 0), (number, position) == (0, 2)
                shape = [[float(v) for point in outline for v in point] for outline in polygons_of(mask)]
                if first or crowd:
                    shape = dict(size=[height, width], counts=plain_lengths(mask) if crowd else run_lengths.encode(mask))
                x1, y1, x2, y2 = box
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=int(name[:12]),
                        category_id=IDS[8 * int(label)],
                        bbox=[x1, y1, x2 - x1, y2 - y1],
                        area=float(np.count_nonzero(mask)),
                        iscrowd=int(crowd),
                        segmentation=shape,
                    )
                )
        content = dict(
            info={},
            licenses=[dict(id=1, name='-', url='-')],
            images=images,
            annotations=annotations,
            categories=[dict(id=i, name=name, supercategory='-') for i, name in zip(IDS, names, strict=True)],
        )
        path = root / 'annotations' / f'instances_{part}2017.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return root
