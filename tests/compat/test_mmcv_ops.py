import importlib
import subprocess
import sys
import sysconfig

import numpy as np
import pytest
import torch
from conftest import ROOT
from programs import run_programs

from mmbdg.compat.mmcv_ops import StandIn, nms, roi_align_backward, roi_align_forward


def numpy_nms(boxes, scores, threshold, offset):
    order, kept = list(np.argsort(-scores)), []
    while order:
        i, *rest = order
        kept.append(i)
        x1, y1 = np.maximum(boxes[i, 0], boxes[rest, 0]), np.maximum(boxes[i, 1], boxes[rest, 1])
        x2, y2 = np.minimum(boxes[i, 2], boxes[rest, 2]), np.minimum(boxes[i, 3], boxes[rest, 3])
        overlap = np.clip(x2 - x1 + offset, 0, None) * np.clip(y2 - y1 + offset, 0, None)
        area = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
        order = [r for r, o in zip(rest, overlap / (area[i] + area[rest] - overlap), strict=True) if o <= threshold]
    return kept


@pytest.mark.parametrize('offset', [0, 1])
def test_nms_by_hand(offset):
    corner = torch.rand(60, 2) * 20
    boxes = torch.cat([corner, corner + torch.rand(60, 2) * 15], dim=1)
    scores = torch.rand(60)
    assert nms(boxes, scores, 0.4, offset).tolist() == numpy_nms(boxes.numpy(), scores.numpy(), 0.4, offset)


def roi_align_by_hand(feature, roi, size, ratio):
    """RoIAlign with aligned=True: the mean of bilinear samples at ratio x ratio points of each bin."""
    _, x1, y1, x2, y2 = roi - 0.5
    out = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            for a in range(ratio):
                for b in range(ratio):
                    y = y1 + (y2 - y1) / size * (i + (a + 0.5) / ratio)
                    x = x1 + (x2 - x1) / size * (j + (b + 0.5) / ratio)
                    y0, x0 = int(np.floor(y)), int(np.floor(x))
                    fy, fx = y - y0, x - x0
                    out[i, j] += (
                        feature[y0, x0] * (1 - fy) * (1 - fx)
                        + feature[y0, x0 + 1] * (1 - fy) * fx
                        + feature[y0 + 1, x0] * fy * (1 - fx)
                        + feature[y0 + 1, x0 + 1] * fy * fx
                    ) / ratio**2
    return out


def test_roi_align_forward_and_backward_by_hand():
    feature = torch.rand(1, 1, 12, 12)
    roi = torch.tensor([[0.0, 2.3, 3.1, 8.7, 9.2]])
    output, arguments = (
        torch.empty(1, 1, 3, 3),
        dict(aligned_height=3, aligned_width=3, spatial_scale=1.0, sampling_ratio=2, pool_mode=1, aligned=True),
    )
    roi_align_forward(feature, roi, output, None, None, **arguments)
    np.testing.assert_allclose(output[0, 0], roi_align_by_hand(feature[0, 0].numpy(), roi[0].numpy(), 3, 2), atol=1e-5)
    # The operator is linear: <gradient, x> = <grad_output, f(x)>.
    grad_output, grad_input = torch.rand(1, 1, 3, 3), torch.empty_like(feature)
    roi_align_backward(grad_output, roi, None, None, grad_input, **arguments)
    torch.testing.assert_close((grad_input * feature).sum(), (grad_output * output).sum())


def test_max_pooling_says_so():
    """Max pooling raises an error, because torchvision has no operator for it."""
    with pytest.raises(NotImplementedError, match='pool_mode="max"'):
        roi_align_forward(None, None, None, None, None, 1, 1, 1.0, 0, 0, True)


def test_environment_report_of_mmcv(started):
    result = started['report']
    assert result.stdout.strip().splitlines()[-1].startswith('n/a'), result.stderr[-2000:]


def test_operator_without_a_stand_in_says_so_when_called():
    """Importing an operator without a replacement works, since mmdet imports many. Calling it names what to install."""
    ext = StandIn('mmcv._ext')
    assert hasattr(ext, 'deform_conv_forward')
    with pytest.raises(NotImplementedError, match='no "deform_conv_forward"'):
        ext.deform_conv_forward(1)


@pytest.fixture(scope='module')
def compiled():
    """mmcv's compiled operators.

    ``MMCV_WITH_OPS=1 pip install --no-build-isolation onedl-mmcv`` builds them in half an hour on two cores.
    """
    module = importlib.import_module('mmcv._ext')
    if isinstance(module, StandIn):
        pytest.skip('this mmcv was installed without compiled operators')
    return module


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('threshold', [0.3, 0.7])
def test_nms_keeps_what_the_compiled_one_keeps(compiled, threshold, offset):
    corner = torch.rand(500, 2) * 100
    boxes = torch.cat([corner, corner + torch.rand(500, 2) * 40], dim=1)
    scores = torch.rand(500)
    arguments = dict(iou_threshold=threshold, offset=offset)
    assert nms(boxes, scores, **arguments).tolist() == compiled.nms(boxes, scores, **arguments).tolist()


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
def test_roi_align_is_the_compiled_one_bit_for_bit(compiled, sampling_ratio, aligned):
    """RoIAlign equals the compiled operator, also for regions beyond the edges and without area."""
    features = torch.randn(2, 5, 17, 23)
    corner = torch.rand(40, 2) * 90 - 10
    rois = torch.cat([torch.arange(40)[:, None] % 2, corner, corner + torch.rand(40, 2) * 60 * (torch.arange(40)[:, None] > 3)], dim=1)
    grad_output = torch.randn(40, 5, 7, 7)
    arguments = dict(aligned_height=7, aligned_width=7, spatial_scale=0.25, sampling_ratio=sampling_ratio, pool_mode=1, aligned=aligned)
    results = []
    for forward, backward in ((roi_align_forward, roi_align_backward), (compiled.roi_align_forward, compiled.roi_align_backward)):
        output, grad_input, empty = torch.zeros_like(grad_output), torch.zeros_like(features), torch.empty(0)
        forward(features, rois, output, empty, empty, **arguments)
        backward(grad_output, rois, empty, empty, grad_input, **arguments)
        results.append((output, grad_input))
    assert results[0][0].any() and results[0][1].any()
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


DETECTIONS = """
import sys, torch, mmbdg
from mmbdg.compat.mmcv_ops import StandIn
if sys.argv[2] == 'stand-in':
    sys.modules['mmcv._ext'] = StandIn('mmcv._ext')
from mmengine.config import Config
from mmengine.registry import init_default_scope
import mmdet.models
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
assert isinstance(sys.modules['mmcv._ext'], StandIn) == (sys.argv[2] == 'stand-in')
init_default_scope('mmdet')
torch.manual_seed(0)
cfg = Config.fromfile(sys.argv[1]).model
cfg.backbone.init_cfg = None
cfg.test_cfg.rcnn.score_thr = 0.0
for part in (cfg.backbone, cfg.neck, cfg.roi_head.bbox_head, cfg.roi_head.mask_head):
    part.norm_cfg = dict(type='BN')
model = MODELS.build(cfg).eval()
sample = DetDataSample(metainfo=dict(img_shape=(128, 128), scale_factor=(1, 1), ori_shape=(128, 128), pad_shape=(128, 128)))
with torch.no_grad():
    found = model.predict(torch.randn(1, 3, 128, 128), [sample])[0].pred_instances
torch.save(dict(boxes=found.bboxes, scores=found.scores, labels=found.labels, masks=found.masks), sys.argv[3])
"""


def test_detections_are_those_of_the_compiled_operators(compiled, tmp_path):
    config = ROOT / 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py'
    for which in ('compiled', 'stand-in'):
        subprocess.run([sys.executable, '-c', DETECTIONS, config, which, tmp_path / f'{which}.pth'], check=True)
    ours, theirs = (torch.load(tmp_path / f'{which}.pth', weights_only=True) for which in ('stand-in', 'compiled'))
    assert len(theirs['scores']) > 5
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


FAKE = {
    'missing': None,
    'works': ('_ext.py', 'nms = "compiled"\n'),
    'does not load': (f'_ext{sysconfig.get_config_var("EXT_SUFFIX")}', 'built against another torch'),
}


@pytest.mark.parametrize('case', FAKE)
def test_compiled_operators_are_used_where_they_load(case, started):
    result = started[case]
    assert result.stdout.split() == (['module', 'compiled'] if case == 'works' else ['StandIn', 'ours']), result.stderr
    assert ('cannot be loaded' in result.stderr) == (case == 'does not load')


DETECTOR = """
import warnings; warnings.filterwarnings('ignore')
{first}
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
init_default_scope('mmdet')
cfg = Config(dict(model=dict(
    type='RPN', data_preprocessor=dict(type='DetDataPreprocessor'),
    backbone=dict(type='ResNet', depth=18, num_stages=4, out_indices=(0, 1, 2, 3)),
    neck=dict(type='FPN', in_channels=[64, 128, 256, 512], out_channels=16, num_outs=5),
    rpn_head=dict(type='RPNHead', in_channels=16, feat_channels=16,
        anchor_generator=dict(type='AnchorGenerator', scales=[8], ratios=[1.0], strides=[4, 8, 16, 32, 64]),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder')),
    train_cfg=None, test_cfg=dict(rpn=dict(nms_pre=50, max_per_img=5, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0)))))
model = MODELS.build(cfg.model).eval()
sample = DetDataSample(metainfo=dict(img_shape=(128, 128), scale_factor=(1, 1), ori_shape=(128, 128), pad_shape=(128, 128)))
with torch.no_grad():
    print(len(model.predict(torch.randn(1, 3, 128, 128), [sample])[0].pred_instances.bboxes))
"""


WITHOUT_TRANSFORMERS = """
import importlib.metadata
found = importlib.metadata.distribution
def distribution(name):
    if name == 'transformers':
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.distribution = distribution
"""
"""mmpretrain cannot be imported beside transformers 5 without mmbdg, see mmbdg/compat/multimodal.py."""


EARLY = ('import mmseg.models, mmbdg', 'import mmbdg, mmseg.models')
FIRST = ('import mmbdg', "from mmengine.config import Config; Config.fromfile('user_config.py')")

OTHERS = """
import cv2, matplotlib.pyplot, pycocotools.mask, scipy.optimize, scipy.stats, timm, torch, torchvision
from transformers import Adafactor, AutoTokenizer, BertModel
import sys
assert not [name for name in sys.modules if name.startswith(('mmbdg', 'mmcv', 'mmdet', 'mmengine', 'mmpretrain', 'mmseg'))]
"""
"""What OpenMMLab imports of other packages."""


@pytest.fixture(scope='module')
def started(tmp_path_factory):
    """Programs that begin without any package of OpenMMLab, by name, after their end."""
    root = tmp_path_factory.mktemp('programs')
    (root / 'user_config.py').write_text("custom_imports = dict(imports=['mmbdg'])\n")
    programs = dict(report="import mmbdg\nfrom mmcv.utils import collect_env\nprint(collect_env()['MMCV Compiler'])")
    asked = 'import mmbdg, mmcv._ext\nprint(type(mmcv._ext).__name__, mmcv._ext.nms if isinstance(mmcv._ext.nms, str) else "ours")'
    for case, file in FAKE.items():
        package = root / case / 'mmcv'
        package.mkdir(parents=True)
        (package / '__init__.py').touch()
        if file:
            (package / file[0]).write_text(file[1])
        programs[case] = f'import sys\nsys.path.insert(0, {str(package.parent)!r})\n{asked}'
    which = "\nimport mmcv._ext\nprint('compiled' if type(mmcv._ext).__name__ == 'module' else 'stand-in')"
    programs |= {code: WITHOUT_TRANSFORMERS + code + which for code in EARLY}
    programs |= {first: DETECTOR.format(first=first) for first in FIRST}
    return run_programs(programs, OTHERS, root)


@pytest.mark.parametrize('code', EARLY)
def test_detectors_that_came_too_early(code, started):
    """Importing mmseg first imports mmdet without operators; the message tells the user to import mmbdg first."""
    result = started[code]
    assert result.returncode == 0, result.stderr
    early = code.startswith('import mmseg') and result.stdout.splitlines()[-1] == 'stand-in'
    assert ('for detectors import mmbdg first' in result.stderr) == early, result.stderr


@pytest.mark.parametrize('first', FIRST)
def test_detectors_import_and_predict(first, started):
    """Detectors work in our tools and with custom_imports=dict(imports=['mmbdg']) in a user's config."""
    result = started[first]
    assert result.stdout.strip().splitlines()[-1:] == ['5'], result.stderr[-3000:]
