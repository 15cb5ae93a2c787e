"""Reduced vocabularies of open_clip's tokenizer: the merges that given words need, in the layout of its file."""

import gzip
import io
import os
from collections.abc import Sequence

from mmbdg.files import write_atomically

Merges = tuple[tuple[str, str], ...]
SYMBOLS = 2 * 256
"""Tokens before the merges: each byte within a word and at its end."""
SPECIAL = 2
"""Tokens after the merges: start and end of a text."""


def merges_of_words(words: Sequence[str]) -> Merges:
    """Merges of open_clip's vocabulary that its tokenizer needs for some words, in their original order.

    With these merges the tokenizer splits the words as with the full vocabulary. Other words are split into smaller pieces.

    Args:
        words: Words in lower case.
    """
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    needed: set[tuple[str, str]] = set()
    for word in words:
        text = ''.join(tokenizer.byte_encoder[byte] for byte in word.encode())
        parts = [*text[:-1], f'{text[-1]}</w>']
        while pairs := [pair for pair in zip(parts, parts[1:], strict=False) if pair in tokenizer.bpe_ranks]:
            best = min(pairs, key=tokenizer.bpe_ranks.__getitem__)
            needed.add(best)
            merged: list[str] = []
            for part in parts:
                if merged and (merged[-1], part) == best:
                    merged[-1] += part
                else:
                    merged.append(part)
            parts = merged
    return tuple(sorted(needed, key=tokenizer.bpe_ranks.__getitem__))


def vocabulary_size(merges: Merges) -> int:
    """Number of tokens of a vocabulary with these merges."""
    return SYMBOLS + len(merges) + SPECIAL


def write_vocabulary(path: str | os.PathLike, merges: Merges) -> None:
    """Write merges as a file for open_clip's tokenizer; the bytes of the file depend only on the merges."""
    text = '\n'.join(['"merges of a smaller vocabulary', *(' '.join(pair) for pair in merges)])
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode='wb', mtime=0, filename='') as file:
        file.write(text.encode())
    write_atomically(path, lambda part: part.write_bytes(packed.getvalue()))
