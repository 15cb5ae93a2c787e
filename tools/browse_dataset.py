"""Make a picture of samples with their masks, from any config with a segmentation or detection dataset.

    python tools/browse_dataset.py configs/densecl_biggan_fpn.py samples.png
    python tools/browse_dataset.py CONFIG samples.png --split test --num 48

For a joint dataset, the picture shows the labelled images (the part "seg", otherwise the first part). For a detection dataset, it shows
the instances in the colours of their classes, or the boxes if there are no masks. Images are shown as the pipeline returns them, with
crops and flips; online samples are shown as the data preprocessor makes them, steered ones by their first candidate.
"""

import numpy as np
from mmengine.structures import BaseDataElement

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser, positive_int
from mmbdg.data_configs import building
from mmbdg.datasets.address import Addressing, addressing
from mmbdg.engine.launch import add_common_arguments, load_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.models import OnlineDataPreprocessor
from mmbdg.parts import main_part, part_of, parts_of
from mmbdg.registry import DATASETS, MODELS
from mmbdg.visualization.contact_sheet import grid, overlay, save_picture


def made(item: dict, preprocessor: OnlineDataPreprocessor) -> dict:
    """Make the image and the mask of an item of an online dataset, which holds only an address."""
    images, samples = preprocessor.make([item['inputs'].tolist()], [item['data_samples']], training=True)
    return dict(inputs=images[0], data_samples=samples[0])


def label_map(sample: BaseDataElement, resized: bool) -> np.ndarray | None:
    """Label map of a segmentation or detection sample, integer (H,W), or None if the sample has no labels.

    The value of an instance is its class + 1. Small instances are drawn over large ones.

    Args:
        sample: Data sample as packed by a pipeline.
        resized: Whether the instances were resized with the image; False for test pipelines.
    """
    if 'gt_sem_seg' in sample:
        return sample.gt_sem_seg.data[0].numpy()
    if 'gt_instances' not in sample or 'bboxes' not in sample.gt_instances:
        return None
    instances = sample.gt_instances
    ids = np.zeros((sample.img_shape if resized else sample.ori_shape)[:2], np.int64)
    if 'masks' in instances:
        areas = list(instances.masks.to_ndarray().astype(bool))
    else:
        areas = [(slice(y1, y2 + 1), slice(x1, x2 + 1)) for x1, y1, x2, y2 in instances.bboxes.tensor.round().int().tolist()]
    for i in instances.bboxes.areas.argsort(descending=True).tolist():
        ids[areas[i]] = instances.labels[i] + 1
    return ids


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('out', help='PNG file to write')
    parser.add_argument('--split', default='train', choices=['train', 'val', 'test'], help='dataloader to use; default: train')
    parser.add_argument('--num', type=positive_int, default=60, help='number of samples, evenly spread over the dataset; default: 60')
    parser.add_argument('--columns', type=positive_int, default=10, help='samples per row; default: 10')
    add_common_arguments(parser)
    args = parser.parse_args()
    from mmengine.registry import init_default_scope

    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    if not cfg.get(f'{args.split}_dataloader'):
        raise InputError(f'{args.config} has no {args.split}_dataloader')
    with building(f'{args.split}_dataloader.dataset'):
        dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    name = main_part(getattr(dataset, 'parts', ['seg']))
    dataset = part_of(dataset, name)
    online = addressing(dataset) is Addressing.COUNT
    if online:
        config = cfg.model.data_preprocessor
        with building('model.data_preprocessor'):
            preprocessor = MODELS.build(parts_of(config).get(name, config))
        preprocessor.steering = None  # there is no network in training
    tiles = []
    for i in np.linspace(0, len(dataset) - 1, min(args.num, len(dataset))).astype(int):
        item = made(dataset[int(i)], preprocessor) if online else dataset[int(i)]
        mask = label_map(item['data_samples'], resized=not getattr(dataset, 'test_mode', False))
        if mask is None:
            raise InputError(f'the {args.split} dataset of {args.config} has neither masks nor boxes; choose another --split or config')
        image = item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        if mask.shape != image.shape[:2]:  # test pipelines do not resize the mask
            mask = mask[np.ix_(*(np.arange(n) * m // n for n, m in zip(image.shape, mask.shape, strict=False)))]
        background = [] if 'gt_sem_seg' in item['data_samples'] else [[0, 0, 0]]  # detection classes have no background
        tiles.append(np.concatenate([image, overlay(image, mask, [*background, *dataset.metainfo['palette']])], axis=0))
    save_picture(args.out, grid(tiles, args.columns), scale=max(1, 64 // tiles[0].shape[1]))
    print(f'{len(tiles)} of {len(dataset)} samples, image above mask, in {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
