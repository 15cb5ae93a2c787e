"""torchvision's operators in the place of mmcv's compiled ones, where those are missing or do not load.

Building mmcv's operators takes half an hour and no wheel exists for current torch; a wheel built against another torch fails with
``undefined symbol``. mmdet cannot be imported then. The detectors used here need NMS and RoIAlign, which torchvision has with the same
results to the bit. Operators that compile and load are used untouched.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

NAME = 'mmcv._ext'


class OpsFinder(MetaPathFinder):
    """Finds ``mmcv._ext``: the compiled module if there is one, with the stand-in behind it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        for finder in sys.meta_path:
            compiled = None if isinstance(finder, OpsFinder) else finder.find_spec(fullname, path, target)
            if compiled is not None and compiled.loader is not None:
                compiled.loader = CompiledOrStandIn(compiled.loader)
                return compiled
        return spec_from_loader(NAME, CompiledOrStandIn(None))


class CompiledOrStandIn(Loader):
    """Loads the compiled operators; where that fails, the stand-in."""

    def __init__(self, compiled: Loader | None) -> None:
        self.compiled = compiled

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if self.compiled is not None:
            try:
                return self.compiled.create_module(spec)
            except ImportError as error:  # built against another torch
                print(f"mmbdg: the compiled operators of mmcv do not load ({error}); torchvision's are used", file=sys.stderr)
                self.compiled = None
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if self.compiled is not None:
            self.compiled.exec_module(module)


class StandIn(ModuleType):
    """``mmcv._ext`` with the operators that torchvision has; any other name is there but says so when it is called."""

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
            # Not a stub of ours: mmcv's own operator is what is missing.
            raise NotImplementedError(
                f'mmcv was installed without its compiled operators and torchvision has no "{name}": build them with '
                'MMCV_WITH_OPS=1 pip install --no-build-isolation onedl-mmcv'
            )

        return missing


def nms(boxes, scores, iou_threshold: float, offset: int = 0):
    """boxes float (N,4) x1 y1 x2 y2, scores float (N,) -> indices int64 of the kept ones, best first."""
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
    """Fills ``output`` (K,C,aligned_height,aligned_width)."""
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
    """Fills ``grad_input`` (N,C,H,W)."""
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
        # Not unfinished: torchvision has no such operator, and a wrong pooling would go unnoticed.
        raise NotImplementedError('torchvision has RoIAlign with average pooling only; pool_mode="max" needs mmcv\'s compiled operators')


def install_ops_finder() -> None:
    """Idempotent; does not import mmcv."""
    if not any(isinstance(finder, OpsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, OpsFinder())
        # mmseg imports mmdet where there is one, and mmdet keeps functions that only raise where there are no operators.
        if 'mmdet.models.dense_heads.rpn_head' in sys.modules and NAME not in sys.modules:
            print("mmbdg: mmdet was imported before mmbdg, without mmcv's operators; for detectors import mmbdg first", file=sys.stderr)
