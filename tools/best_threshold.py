"""Best threshold on a grey level or a colour as a mask of the foreground: a baseline for a task, chosen on its own test images.

python tools/best_threshold.py configs/transfer/stamps/unet_64px.py

A task whose networks do not exceed this figure by far cannot show the worth of masks.
"""

from collections.abc import Iterator

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg.analysis.statistics.best_threshold import best_threshold
from mmbdg.arguments import Parser
from mmbdg.data_configs import building
from mmbdg.engine.launch import add_common_arguments, load_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.registry import DATASETS


def pairs_of(dataset: BaseDataset) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images uint8 (H,W,3) RGB and label maps (H,W) of a segmentation dataset; ignored pixels are an error."""
    from tqdm import tqdm

    for i in tqdm(range(len(dataset)), desc='test', unit='image', disable=None):
        item = dataset[i]
        if 'gt_sem_seg' not in item['data_samples']:
            raise InputError('the test dataset has no label maps, so there is no foreground')
        image = item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        labels = item['data_samples'].gt_sem_seg.data[0].numpy()
        if labels.shape != image.shape[:2]:
            raise InputError(f'test images have {image.shape[:2]} px and label maps {labels.shape}: a threshold needs the same size')
        if (labels == getattr(dataset, 'ignore_index', 255)).any():
            raise InputError('the test dataset has ignored pixels, which a threshold cannot leave out')
        yield image, labels


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config of a segmentor; its test_dataloader has the images and masks')
    add_common_arguments(parser)
    args = parser.parse_args()
    from mmengine.registry import init_default_scope

    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    if not cfg.get('test_dataloader'):
        raise InputError(f'{args.config} has no test_dataloader')
    with building('test_dataloader.dataset'):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    found = best_threshold(pairs_of(dataset))
    sign = 'above' if found.above else 'not above'
    print(f'{found.channel} {sign} {found.level}: mIoU {100 * found.miou:.1f}, foreground IoU {100 * found.foreground:.1f}')


if __name__ == '__main__':
    with plain_errors():
        main()
