"""A tiny CLIP with random weights, as a folder for ``mmbdg.OpenCLIP``."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from mmbdg.files import write_safetensors

MERGES, EMBED_DIM = 80, 32
MODEL = dict(
    embed_dim=EMBED_DIM,
    vision_cfg=dict(image_size=32, layers=2, width=64, patch_size=8, head_width=32),
    text_cfg=dict(context_length=16, vocab_size=512 + MERGES + 2, width=32, heads=2, layers=2),
)
PREPROCESSING = dict(size=32, mode='RGB', mean=[0.5] * 3, std=[0.5] * 3, interpolation='bilinear', resize_mode='shortest', fill_color=0)


def write_tiny_clip(folder: Path, seed: int = 0) -> Path:
    """Write the folder with random weights of a seed."""
    open_clip = pytest.importorskip('open_clip', reason='pip install "mmbdg[clip]"')
    folder.mkdir(parents=True, exist_ok=True)
    merges = gzip.decompress(Path(open_clip.tokenizer.default_bpe()).read_bytes()).decode().split('\n')[: 1 + MERGES]
    (folder / 'bpe_merges.txt.gz').write_bytes(gzip.compress('\n'.join(merges).encode(), mtime=0))
    (folder / 'open_clip_config.json').write_text(json.dumps(dict(model_cfg=MODEL, preprocess_cfg=PREPROCESSING)))
    torch.manual_seed(seed)
    write_safetensors(folder / 'open_clip_model.safetensors', open_clip.CLIP(**MODEL).state_dict())
    return folder


@pytest.fixture(scope='session')
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the folder."""
    return write_tiny_clip(tmp_path_factory.mktemp('tiny_clip'))
