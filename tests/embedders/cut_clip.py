"""A tiny CLIP with random weights and a vocabulary of three words, as a folder."""

from pathlib import Path

import torch

from mmbdg.embedders.clip_folder import write_clip_folder
from mmbdg.embedders.vocabulary import merges_of_words, vocabulary_size

PREPROCESSING = dict(
    size=32, mode='RGB', mean=[0.4, 0.5, 0.6], std=[0.3, 0.2, 0.25], interpolation='bicubic', resize_mode='shortest', fill_color=0
)


def write_cut_clip(folder: Path) -> Path:
    """About 60,000 parameters, a vocabulary of three words."""
    import open_clip

    merges = merges_of_words(['photo', 'boot', 'bag'])
    config = dict(
        embed_dim=16,
        vision_cfg=dict(image_size=32, layers=1, width=32, patch_size=16, head_width=16),
        text_cfg=dict(context_length=24, vocab_size=vocabulary_size(merges), width=16, heads=2, layers=1),
    )
    torch.manual_seed(0)
    write_clip_folder(folder, config, PREPROCESSING, open_clip.CLIP(**config).state_dict(), merges)
    return folder
