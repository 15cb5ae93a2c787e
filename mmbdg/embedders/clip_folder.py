"""Write a CLIP model as a folder for open_clip and :class:`~mmbdg.embedders.OpenCLIP`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmbdg.embedders.clip_model import CONFIG, VOCABULARY, WEIGHTS, ModelFolder
from mmbdg.embedders.vocabulary import Merges, write_vocabulary
from mmbdg.files import write_json, write_safetensors
from mmbdg.schema import validated


def write_clip_folder(
    folder: str | os.PathLike,
    model: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    state: dict[str, Tensor],
    merges: Merges | None = None,
) -> None:
    """Write a CLIP model.

    Args:
        folder: Path of the folder; its files are replaced.
        model: ``model_cfg``: embed_dim, vision_cfg, text_cfg.
        preprocessing: ``preprocess_cfg``.
        state: State dict of the model.
        merges: Merges of a smaller vocabulary, see :func:`~mmbdg.embedders.vocabulary.merges_of_words`; None: open_clip's own vocabulary.

    Raises:
        InputError: ``preprocessing`` lacks a key or has an unknown one.
    """
    folder, content = Path(folder), dict(model_cfg=dict(model), preprocess_cfg=dict(preprocessing))
    validated(ModelFolder, content, 'the preprocessing')
    write_safetensors(folder / WEIGHTS[0], state)
    if merges is not None:
        write_vocabulary(folder / VOCABULARY, merges)
    write_json(folder / CONFIG, content)
