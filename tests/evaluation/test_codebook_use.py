"""Use of a table of codes by hand."""

import math

import pytest
import torch

from mmbdg.errors import InputError
from mmbdg.evaluation import CodebookUse


def test_by_hand():
    """Frequencies 4, 2, 2 of 8 tokens: the entropy is 1/2 ln 2 + 2 * 1/4 ln 4."""
    metric = CodebookUse(5)
    metric.process(None, [dict(tokens=torch.tensor([0, 0, 3, 4])), dict(tokens=torch.tensor([0, 0, 3, 4]))])
    figures = metric.evaluate(2)
    assert figures == dict(codes_used=3, perplexity=round(math.exp(0.5 * math.log(2) + 0.5 * math.log(4)), 1))


def test_a_token_of_another_model():
    with pytest.raises(InputError, match=r'a token is 5, but val_evaluator.n_embed is 5'):
        CodebookUse(5).process(None, [dict(tokens=torch.tensor([5]))])
