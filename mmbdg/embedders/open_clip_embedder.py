"""CLIP models of open_clip, from a local folder or file."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.embedders.base import Embedder
from mmbdg.embedders.clip_model import CONFIG, LOCAL, VOCABULARY, clip_model
from mmbdg.files import sha256
from mmbdg.registry import EMBEDDERS


@EMBEDDERS.register_module()
class OpenCLIP(Embedder):
    """A CLIP model of open_clip: from a folder in the layout that open_clip itself writes for the Hugging Face hub, or by name with a file.

    The folder holds ``open_clip_config.json`` with the model's config and its preprocessing, and the weights as safetensors. It
    also holds a tokenizer of ``transformers`` if ``model_cfg.text_cfg.hf_tokenizer_name`` is set. A reduced vocabulary of open_clip's own
    tokenizer is read from ``bpe_merges.txt.gz``. Nothing is downloaded, and no pickle is executed.

    Args:
        folder: Path of the folder; ``mmbdg://fashion32/clip`` is the embedded one.
        model, pretrained, weights: In place of a folder, the name of a model of open_clip, the tag of its weights, and their file; see
            :func:`~mmbdg.embedders.clip_model.clip_model`.

    Raises:
        InputError: open_clip is not installed, a file is missing, the preprocessing is missing or does not fit the model, or the weights
            do not fit.
    """

    reads_text = True

    def __init__(
        self,
        folder: str | None = None,
        model: str | None = None,
        pretrained: str | None = None,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.clip = clip_model(folder, model, pretrained, weights)
        self.tag = pretrained
        self.model = self.clip.load().requires_grad_(False)
        self.tokenizer = self.clip.tokenizer()
        self._preprocess = self.clip.transform(training=False)
        self.dim = self.clip.dim

    def to(self, device: torch.device | str) -> 'OpenCLIP':
        self.model.to(device)
        return super().to(device)

    def _images(self, images: Sequence[np.ndarray]) -> Tensor:
        from PIL import Image

        inputs = torch.stack([self._preprocess(Image.fromarray(image)) for image in images])
        return self.model.encode_image(inputs.to(self.device))

    def _texts(self, texts: Sequence[str]) -> Tensor:
        return self.model.encode_text(self.tokenizer(list(texts)).to(self.device))

    def _cut(self, texts: Sequence[str]) -> list[str]:
        # The tokenizers of open_clip truncate without a message. A text is whole if room for one more token adds only padding to it.
        tokens, padding = self.tokenizer(list(texts)), self.tokenizer(['a'])[0, -1].item()
        full = [i for i, own in enumerate(tokens) if own[-2] != padding]  # the last token may be an end that is also the padding
        if not full:
            return []
        longer = self.tokenizer([texts[i] for i in full], self.tokenizer.context_length + 1)
        return [texts[i] for i, one in zip(full, longer, strict=True) if not torch.equal(one, F.pad(tokens[i], (0, 1), value=padding))]

    def identity(self) -> dict[str, dict[str, Any]]:
        weights, folder = self.clip.weights, self.clip.weights.parent
        named = not self.clip.name.startswith(LOCAL)
        names = [] if named else [CONFIG, *(name for name in (VOCABULARY, 'tokenizer.json') if (folder / name).is_file())]
        return dict(
            config=dict(type='mmbdg.OpenCLIP', **(dict(model=self.clip.name, pretrained=self.tag) if named else {})),
            checksums={name: sha256(folder / name) for name in [*names[:1], weights.name, *names[1:]]},
            versions=dict(open_clip_torch=version('open_clip_torch')),
        )
