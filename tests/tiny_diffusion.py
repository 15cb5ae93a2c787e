"""A latent diffusion model of a few thousand weights, and its autoencoder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import BaseDataElement

from mmbdg.models import AutoencoderTraining, ClassDiffusionTraining, DiffusionTraining, JointDiffusionTraining

TINY_AUTOENCODER = dict(
    type='AutoencoderTiny',
    latent_channels=2,
    encoder_block_out_channels=(4, 4),
    decoder_block_out_channels=(4, 4),
    num_encoder_blocks=(0, 0),
    num_decoder_blocks=(0, 1),
)
TINY_UNET = dict(
    type='UNet2DConditionModel',
    sample_size=8,
    in_channels=2,
    out_channels=2,
    down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
    up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
    block_out_channels=(4, 8),
    layers_per_block=1,
    cross_attention_dim=8,
    attention_head_dim=4,
    norm_num_groups=2,
)
TINY_TRANSFORMER = dict(
    type='DiTTransformer2DModel', sample_size=8, patch_size=2, num_layers=2, num_attention_heads=2, attention_head_dim=4
)
TINY_TEXT = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, projection_dim=8)
TINY_SCHEDULER = dict(
    type='DDIMScheduler',
    beta_schedule='scaled_linear',
    beta_start=0.00085,
    beta_end=0.012,
    prediction_type='v_prediction',
    rescale_betas_zero_snr=True,
    timestep_spacing='trailing',
    steps_offset=1,
    clip_sample=False,
)
PREPROCESSOR = dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)


def tiny_autoencoder(folder: Path, **change: Any) -> AutoencoderTraining:
    """Write an autoencoder with random weights to ``folder``: 16 px to latents (2,8,8)."""
    torch.manual_seed(0)
    model = AutoencoderTraining(TINY_AUTOENCODER | change, data_preprocessor=PREPROCESSOR)
    model.latent_variance.fill_(0.25)
    model.save_pretrained(folder)
    return model


def tiny_diffusion(autoencoder: Path, **change: Any) -> DiffusionTraining:
    """Build a diffusion training with random weights and three classes."""
    torch.manual_seed(0)
    config = dict(
        autoencoder=str(autoencoder),
        unet=TINY_UNET,
        text_encoder=TINY_TEXT,
        scheduler=TINY_SCHEDULER,
        classes=('disc', 'square', 'ring'),
        captions=('a photo of a {}', '{}'),
        num_inference_steps=2,
        data_preprocessor=PREPROCESSOR,
    )
    return DiffusionTraining(**config | change)


def tiny_joint_diffusion(pipeline: Path, **change: Any) -> JointDiffusionTraining:
    """Start from a tiny pipeline of 16 px with 4 latents, with 2 x 2 pixels of the mask; the last layer predicts something for the mask."""
    torch.manual_seed(0)
    masks = dict(labels=('background', 'foreground'), patch=2, weight=0.25)
    config = dict(masks=masks, pipeline=str(pipeline), classes=('disc', 'square'), num_inference_steps=2, data_preprocessor=PREPROCESSOR)
    model = JointDiffusionTraining(**config | change)
    model.unet.conv_out.weight.data[4:].normal_(std=0.2)
    return model.eval()


def tiny_class_diffusion(autoencoder: Path, **change: Any) -> ClassDiffusionTraining:
    """Build a training of a diffusion transformer with random weights and three classes."""
    torch.manual_seed(0)
    config = dict(
        autoencoder=str(autoencoder),
        transformer=TINY_TRANSFORMER,
        scheduler=TINY_SCHEDULER,
        classes=('disc', 'square', 'ring'),
        num_inference_steps=2,
        data_preprocessor=PREPROCESSOR,
    )
    return ClassDiffusionTraining(**config | change)


def labelled_samples(class_ids: Sequence[int], indices: Sequence[int]) -> list[BaseDataElement]:
    """Data samples with a class and an address."""
    made = []
    for c, i in zip(class_ids, indices, strict=True):
        sample = BaseDataElement(metainfo=dict(sample_idx=i))
        sample.set_field(torch.tensor([c]), 'gt_label')
        made.append(sample)
    return made
