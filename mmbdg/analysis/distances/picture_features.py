"""Inputs of the feature network for labelled images: masked images, whole images and labels."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from mmbdg.addressed import generator_at
from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.statistics.mask_columns import foreground
from mmbdg.errors import InputError

KINDS = ('masked', 'images', 'labels')


def pictures(image: np.ndarray, inside: np.ndarray) -> dict[str, np.ndarray]:
    """The three kinds of input images of a sample.

    Args:
        image: Image, uint8 (H,W,3).
        inside: Foreground, bool (H,W).

    Returns:
        Dict of uint8 (H,W,3). ``masked``: the image with a black background ("masked by segmentation labels", paper, section 5.1, "to avoid
        noisy backgrounds"). ``images``: the unchanged image. ``labels``: the foreground in white on black, so that datasets with
        different label spaces and palettes are comparable.
    """
    masked = np.where(inside[:, :, None], image, np.uint8(0))
    return dict(masked=masked, images=image, labels=np.repeat(inside[:, :, None].astype(np.uint8) * 255, 3, axis=2))


def picture_features(
    images: LabelledImages,
    indices: Sequence[int],
    network: FeatureNetwork,
    device: torch.device | str = 'cpu',
    batch_size: int = 32,
    after_batch: Callable[[int], None] = lambda samples: None,
    kinds: Sequence[str] = KINDS,
) -> dict[str, np.ndarray]:
    """Features of the three kinds of input images. Each sample is read once.

    Args:
        images: Labelled images.
        indices: Indices of the samples.
        network: Feature network.
        device: Device of the network. Default: 'cpu'.
        batch_size: Images in a batch. Default: 32.
        after_batch: Function that is called after each batch with its number of samples, for a progress bar.
        kinds: Kinds of input images; images without masks have the kind "images" only. Default: all.

    Returns:
        Features for each of the kinds, float32 (len(indices),D).

    Raises:
        InputError: An image and its mask differ in size.
    """
    rows: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds}
    for start in range(0, len(indices), batch_size):
        samples = [_sample(images, int(i), kinds) for i in indices[start : start + batch_size]]
        for kind in kinds:
            rows[kind].append(network.features([sample[kind] for sample in samples], device))
        after_batch(len(samples))
    return {kind: np.concatenate(parts) for kind, parts in rows.items()}


def _sample(images: LabelledImages, i: int, kinds: Sequence[str]) -> dict[str, np.ndarray]:
    if tuple(kinds) == ('images',):
        return dict(images=images.image(i))
    image, mask = images.image(i), images.mask(i)
    if image.shape[:2] != mask.shape:
        raise InputError(
            f'{images.name}, sample {images.title(i)}: the image has {image.shape[1]}x{image.shape[0]} px, its mask '
            f'{mask.shape[1]}x{mask.shape[0]}; masks must have the size of their images'
        )
    return pictures(image, foreground(mask, images.ignore))


def drawn(total: int, count: int, *address: int | str) -> np.ndarray:
    """Sorted indices of ``count`` of ``total`` samples, drawn at an address. If ``count`` is at least ``total``: all indices."""
    if count >= total:
        return np.arange(total)
    return np.sort(generator_at(*address).permutation(total)[:count])
