"""A tiny GPT-2 with random weights and a tokenizer of single characters, as a folder."""

from pathlib import Path

import torch


def write_tiny_language_model(folder: Path) -> Path:
    """A few thousand parameters; its answers are random characters."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    signs = ['<end>', '<unknown>', *map(chr, range(32, 127)), '\n']
    tokenizer = Tokenizer(models.WordLevel({sign: i for i, sign in enumerate(signs)}, unk_token='<unknown>'))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r'[\s\S]'), 'isolated')
    tokenizer.decoder = decoders.Fuse()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(signs), n_positions=1024, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token='<end>', unk_token='<unknown>').save_pretrained(folder)
    return folder
