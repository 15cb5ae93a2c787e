"""Make a picture of a generator's samples and their features; three principal components are shown as red, green and blue.

    python tools/show_generator.py configs/_base_/generators/dcgan64_faces.py faces.png
    python tools/show_generator.py configs/_base_/generators/biggan512_in1k.py cats.png --classes 281 285 --truncation 0.5

CONFIG has generator = dict(...) or model = dict(generator=dict(...)). Class, index and seed determine a sample.
"""

import numpy as np
import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, natural_int, positive_float, positive_int
from mmbdg.compat.config import check_keys, check_requirements, generator_config, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_png
from mmbdg.generators import FeatureInfo, to_pixels
from mmbdg.generators.build import build_generator
from mmbdg.generators.frozen import Frozen
from mmbdg.machine import usable_device
from mmbdg.sources import Truncation, generator_inputs, select_statistics
from mmbdg.visualization.contact_sheet import grid
from mmbdg.visualization.feature_colours import principal_colours


def shown_taps(info: tuple[FeatureInfo, ...], which: str) -> list[int]:
    """Indices of the features to show: ``all``, the last of each resolution (``resolutions``), or ``none``."""
    if which == 'none':
        return []
    if which == 'all':
        return list(range(len(info)))
    return [i for i, tap in enumerate(info) if i + 1 == len(info) or info[i + 1].resolution != tap.resolution]


def enlarged(pictures: np.ndarray, size: int) -> np.ndarray:
    """Resize pictures uint8 (N,H,W,3) to a height of about ``size`` by repeating or dropping pixels."""
    factor = size / pictures.shape[1]
    if factor >= 1:
        return pictures.repeat(round(factor), axis=1).repeat(round(factor), axis=2)
    step = round(1 / factor)
    return pictures[:, ::step, ::step]


@torch.no_grad()
def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config with a generator')
    parser.add_argument('out', help='.png file to write')
    parser.add_argument('--classes', type=natural_int, nargs='+', help='class indices; default: eight, evenly spread')
    parser.add_argument('--per-class', type=positive_int, default=1, help='samples per class; default: 1')
    parser.add_argument('--seed', type=natural_int, default=0, help='seed of the latents; default: 0')
    parser.add_argument('--truncation', type=positive_float, help='threshold of the truncation; default: no truncation')
    parser.add_argument(
        '--definition',
        default='resampled',
        help='definition of the truncation: resampled (default), scaled_truncnorm or scaled_normal',
    )
    parser.add_argument(
        '--features',
        choices=['resolutions', 'all', 'none'],
        default='resolutions',
        help='features to show: the last of each resolution (default), all or none',
    )
    parser.add_argument('--size', type=positive_int, default=128, help='height of a cell in pixels; default: 128')
    parser.add_argument('--device', default='cpu', help='device of the generator, e.g. cuda; default: cpu')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config')
    args = parser.parse_args()

    if not args.out.endswith('.png'):
        raise InputError(f'the file must be a .png, got {args.out}')
    device = usable_device(args.device)
    cfg = read_config(args.config, args.cfg_options)
    check_keys(cfg, 'generator', 'model')
    check_requirements(cfg)
    net = build_generator(generator_config(cfg))
    net.init_weights()
    truncation = None if args.truncation is None else Truncation(args.truncation, args.definition)
    select_statistics(net, truncation)
    generator = Frozen(net).on(device)
    classes = args.classes or sorted({round(c) for c in np.linspace(0, net.num_classes - 1, 8)})
    if net.num_classes == 1 and not args.classes:
        args.per_class = max(args.per_class, 8)

    taps = shown_taps(generator.feature_info, args.features)
    images, kept = [], [[] for _ in taps]
    for c in classes:  # one class at a time, because features of many samples need much memory
        image, features = generator.forward_features(
            *generator_inputs(generator, args.seed, [c] * args.per_class, range(args.per_class), truncation)
        )
        images += list(to_pixels(image).permute(0, 2, 3, 1).cpu().numpy())
        for column, tap in zip(kept, taps, strict=True):
            column.append(features[tap].float().cpu().numpy())
    columns = [np.stack(images), *[principal_colours(np.concatenate(column)) for column in kept]]
    cells = [enlarged(column, args.size)[row] for row in range(len(images)) for column in columns]
    per_row = len(columns) if taps else max(1, args.per_class)
    write_png(args.out, grid(cells, per_row))
    named = ', '.join(f'{generator.feature_info[i].name} ({generator.feature_info[i].resolution} px)' for i in taps)
    print(f'{len(images)} samples in {args.out}' + (f', one per row; columns: image, {named}' if taps else ''))


if __name__ == '__main__':
    with plain_errors():
        main()
