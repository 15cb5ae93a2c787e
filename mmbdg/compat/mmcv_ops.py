"""Replace mmcv's compiled operators by torchvision's where they are missing or cannot be loaded.

Building mmcv's operators takes half an hour and there is no wheel for current torch; a wheel built for another torch fails with
``undefined symbol``, and then mmdet cannot be imported. The detectors used here need NMS and RoIAlign; torchvision's operators give
bit-identical results. If mmcv's compiled operators can be loaded, they are used.
"""

import sys
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

from mmbdg.compat.one_module import OneModuleFinder

NAME = 'mmcv._ext'


class OpsFinder(OneModuleFinder):
    """Import finder for ``mmcv._ext``: the compiled module if it exists, with the stand-in as a fallback."""

    name = NAME

    def loader(self, original: Loader | None) -> Loader:
        return CompiledOrStandIn(original)


class CompiledOrStandIn(Loader):
    """Loader of the compiled operators, or of the stand-in if they cannot be loaded."""

    def __init__(self, compiled: Loader | None) -> None:
        self.compiled = compiled

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if self.compiled is not None:
            try:
                return self.compiled.create_module(spec)
            except ImportError as error:  # built against another torch
                print(f"mmbdg: mmcv's compiled operators cannot be loaded ({error}); torchvision's are used", file=sys.stderr)
                self.compiled = None
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if self.compiled is not None:
            self.compiled.exec_module(module)


class StandIn(ModuleType):
    """``mmcv._ext`` with the operators that torchvision has; any other operator raises an error when it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __doc__)
        self.nms = nms
        self.roi_align_forward = roi_align_forward
        self.roi_align_backward = roi_align_backward
        # mmcv.utils.collect_env prints these.
        self.get_compiler_version = self.get_compiling_cuda_version = lambda: 'n/a (torchvision)'

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            # mmcv's compiled operator is missing, and torchvision has no equivalent.
            raise NotImplementedError(
                f'mmcv was installed without its compiled operators and torchvision has no "{name}": build them with '
                'MMCV_WITH_OPS=1 pip install --no-build-isolation onedl-mmcv'
            )

        return missing


def nms(boxes, scores, iou_threshold: float, offset: int = 0):
    """Non-maximum suppression.

    Args:
        boxes: Boxes x1, y1, x2, y2 in pixels, float (N,4).
        scores: Scores of the boxes, float (N,).
        iou_threshold: Boxes that overlap a better box by more than this IoU are removed.
        offset: 1 if the width of a box is x2 - x1 + 1, default 0.

    Returns:
        Indices of the kept boxes, int64 (K,), best first.
    """
    import torch
    from torchvision.ops import nms as torchvision_nms

    if offset:  # a box of pixels from x1 to x2 is x2 - x1 + 1 wide
        boxes = boxes + torch.tensor([0, 0, offset, offset], dtype=boxes.dtype, device=boxes.device)
    return torchvision_nms(boxes, scores, iou_threshold)


def roi_align_forward(
    input,
    rois,
    output,
    argmax_y,
    argmax_x,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the pooled features to ``output``, float (K,C,aligned_height,aligned_width)."""
    import torch
    import torchvision  # noqa: F401  registers the operators

    _only_average(pool_mode)
    output.copy_(torch.ops.torchvision.roi_align(input, rois, spatial_scale, aligned_height, aligned_width, sampling_ratio, aligned))


def roi_align_backward(
    grad_output,
    rois,
    argmax_y,
    argmax_x,
    grad_input,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Write the gradient to ``grad_input``, float (N,C,H,W)."""
    import torch
    import torchvision  # noqa: F401  registers the operators

    _only_average(pool_mode)
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output, rois, spatial_scale, aligned_height, aligned_width, *grad_input.shape, sampling_ratio, aligned
        )
    )


def _only_average(pool_mode: int) -> None:
    if pool_mode != 1:
        # torchvision has no RoIAlign with max pooling; average pooling instead would go unnoticed.
        raise NotImplementedError('torchvision has RoIAlign with average pooling only; pool_mode="max" needs mmcv\'s compiled operators')


def install_ops_finder() -> None:
    """Install the import finder. Idempotent; does not import mmcv."""
    # mmseg imports mmdet if it is installed, and without operators mmdet keeps functions that only raise errors.
    if OpsFinder.install() and 'mmdet.models.dense_heads.rpn_head' in sys.modules and NAME not in sys.modules:
        print("mmbdg: mmdet was imported before mmbdg, without mmcv's operators; for detectors import mmbdg first", file=sys.stderr)
