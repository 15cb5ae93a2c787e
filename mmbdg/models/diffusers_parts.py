"""Parts of diffusers' text-to-image pipelines: autoencoders read from local folders, and small tokenizers."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from mmbdg.assets import resolve
from mmbdg.compat.checkpoint import difference, read_state_dict
from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import AUTOENCODERS
from mmbdg.reading import parsed_json, read_json

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = '<|startoftext|>', '<|endoftext|>'
CONFIG, WEIGHTS = 'config.json', 'diffusion_pytorch_model.safetensors'


def read_autoencoder(folder: str | os.PathLike) -> nn.Module:
    """Read an autoencoder of diffusers from a local folder as a frozen module in eval mode.

    Args:
        folder: Folder with ``config.json`` and ``diffusion_pytorch_model.safetensors``, such as ``vae`` in the folder of a pipeline.

    Raises:
        InputError: The folder lacks one of the files, holds another kind of network, or the weights do not fit its config.
    """
    import diffusers

    path = resolve(folder)
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise InputError(f'{path} is not a folder of an autoencoder of diffusers: it has no {name}')
    config = read_json(path / CONFIG, dict[str, Any])
    if config.get('_class_name') not in AUTOENCODERS:
        raise InputError(f'{path} holds a {config.get("_class_name")}; the autoencoders that can be used are {", ".join(AUTOENCODERS)}')
    config.pop('_name_or_path', None)  # a local path, which must not get into an export
    autoencoder = getattr(diffusers, config['_class_name']).from_config(config)
    weights = read_state_dict(path / WEIGHTS)
    if problem := difference(autoencoder, weights):
        raise InputError(f'{path / WEIGHTS} does not fit {CONFIG} beside it\n{problem}')
    autoencoder.load_state_dict(weights)
    return autoencoder.eval().requires_grad_(False)


def caption_tokenizer(captions: Sequence[str], length: int) -> 'CLIPTokenizer':
    """Make a CLIP tokenizer with a small vocabulary, in which each word of the captions is one token.

    The vocabulary has each byte, at the end of a word and elsewhere, so any text can be tokenized. CLIP's own vocabulary has 49,408 tokens,
    whose embeddings would be the larger part of a small model.

    Args:
        captions: Texts whose words become tokens.
        length: Number of tokens to which prompts are padded or truncated.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())

    def with_merges(merges: Sequence[tuple[str, str]]) -> CLIPTokenizer:
        words = dict.fromkeys([*letters, *(f'{letter}</w>' for letter in letters), *(a + b for a, b in merges), START, END])
        vocabulary = {word: i for i, word in enumerate(words)}
        return CLIPTokenizer(
            vocab=vocabulary, merges=list(merges), unk_token=END, bos_token=START, eos_token=END, pad_token=END, model_max_length=length
        )

    plain = with_merges([]).backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix='</w>'))
    learner.normalizer, learner.pre_tokenizer = plain.normalizer, plain.pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=10**6, min_frequency=1, end_of_word_suffix='</w>', show_progress=False)
    learner.train_from_iterator(sorted(set(captions)), trainer)
    return with_merges([tuple(pair) for pair in parsed_json(learner.to_str(), 'the tokenizer')['model']['merges']])


def split_names(tokenizer: Any, names: Sequence[str]) -> dict[str, int]:
    """Words that the tokenizer has not as one token, with the number of their tokens."""
    words = dict.fromkeys(word for name in names for word in name.split())
    return {word: count for word in words if (count := len(tokenizer.tokenize(word))) > 1}
