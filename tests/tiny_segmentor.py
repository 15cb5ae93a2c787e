"""A tiny segmentor of mmseg with random weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmbdg.registry import MODELS

CONFIG = """
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[100, 110, 120], std=[50, 60, 70], bgr_to_rgb=True, size=(16, 16), pad_val=0, seg_pad_val=255
    ),
    backbone=dict(
        type='mmseg.UNet', base_channels=4, num_stages=2, strides=(1, 1), enc_num_convs=(1, 1), dec_num_convs=(1,), downsamples=(True,),
        enc_dilations=(1, 1), dec_dilations=(1,),
    ),
    decode_head=dict(
        type='mmseg.FCNHead', in_channels=4, in_index=1, channels=4, num_convs=0, concat_input=False, dropout_ratio=0, align_corners=False,
        num_classes=CLASSES, OUT loss_decode=dict(type='mmseg.CrossEntropyLoss', use_sigmoid=SIGMOID),
        init_cfg=dict(type='Normal', std=1.0, override=dict(name='conv_seg')),
    ),
    test_cfg=dict(mode='whole'),
)
"""


def write_segmentor(
    folder: Path, classes: int = 3, sigmoid: bool = False, name: str = 'seg', labels: Sequence[str] | None = None
) -> tuple[Path, Path, nn.Module]:
    """Write a config and its weights, with the names of the labels as mmengine's Runner writes them; return both paths and the network."""
    text = CONFIG.replace('CLASSES', str(classes)).replace('SIGMOID', str(sigmoid))
    config = folder / f'{name}.py'
    config.write_text(text.replace('OUT', 'out_channels=1, threshold=0.5,' if sigmoid else ''))
    torch.manual_seed(3)
    model = MODELS.build(ConfigDict(Config.fromfile(config).model, _scope_='mmseg')).eval()
    model.init_weights()
    model.decode_head.conv_seg.bias.data[0] = 5.0 if classes == 3 else 0.0  # so that both kinds of pixels exist
    meta = dict(meta=dict(dataset_meta=dict(classes=labels))) if labels else {}
    torch.save(dict(state_dict=model.state_dict(), **meta), folder / f'{name}.pth')
    return config, folder / f'{name}.pth', model


def logits_of(model: nn.Module, images: np.ndarray) -> Tensor:
    """Logits (N,C,H,W) of RGB images uint8 (N,H,W,3) by the layers of the network alone."""
    normalised = (torch.from_numpy(images).float() - torch.tensor([100.0, 110, 120])) / torch.tensor([50.0, 60, 70])  # RGB
    with torch.no_grad():
        return model.decode_head.conv_seg(model.backbone(normalised.permute(0, 3, 1, 2))[1])
