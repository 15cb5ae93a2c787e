"""VQGAN's second stage: a causal transformer over the tokens of an image (Esser et al. 2021)."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Shape legend: N sequences, T tokens of each so far, E = n_embd, V codes, S = block_size tokens at most.


class LayerCache:
    """Keys and values of the tokens one layer has seen: allocated once for all positions, filled one by one.

    Args:
        block_size: S, the number of positions.
    """

    def __init__(self, block_size: int) -> None:
        self.block_size = block_size
        self.length = 0

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Key and value (N,heads,1,E/heads) of the next token -> those of all tokens so far, (N,heads,T,E/heads), as views."""
        if self.length == 0:  # here, because the dtype under autocast is the key's and not the weights'
            shape = (*key.shape[:2], self.block_size, key.shape[3])
            self.keys, self.values = key.new_empty(shape), value.new_empty(shape)
        position, self.length = self.length, self.length + 1
        self.keys[:, :, position : self.length] = key
        self.values[:, :, position : self.length] = value
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class CausalAttention(nn.Module):
    """Multi-head self-attention of each token to itself and the tokens before it.

    The mask is not kept as a buffer: it is the same for every layer and follows from T.

    Args:
        n_embd: E.
        n_head: Number of heads, a divisor of E.
    """

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.key = nn.Linear(n_embd, n_embd)
        self.query = nn.Linear(n_embd, n_embd)
        self.value = nn.Linear(n_embd, n_embd)
        self.proj = nn.Linear(n_embd, n_embd)

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """x (N,T,E) -> (N,T,E); with a cache x (N,1,E) is the next token only."""
        q, k, v = (linear(x).unflatten(2, (self.n_head, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value))
        if cache is not None:
            k, v = cache.append(k, v)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)  # (N, heads, T, E/heads)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a perceptron with one hidden layer of 4 E, each after a layer normalisation and added to its input.

    Args: As :class:`CausalAttention`.
    """

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)
        self.attn = CausalAttention(n_embd, n_head)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """x (N,T,E) -> (N,T,E); with a cache x (N,1,E) is the next token only."""
        x = x + self.attn(self.ln1(x), cache)
        return x + self.mlp(self.ln2(x))


class Transformer(nn.Module):
    """GPT-2's architecture with learned positions, in minGPT's form (Taming Transformers, arXiv 2012.09841, section 3.2).

    Written for given weights: there is no dropout, which a training from scratch would want.

    Args:
        vocab_size: V.
        block_size: S, the longest sequence.
        n_layer: Number of blocks.
        n_head: Heads of a block's attention, a divisor of ``n_embd``.
        n_embd: E, size of a hidden state.
    """

    def __init__(self, vocab_size: int, block_size: int, n_layer: int, n_head: int, n_embd: int) -> None:
        super().__init__()
        self.block_size = block_size
        self.tok_emb = nn.Embedding(vocab_size, n_embd)
        self.pos_emb = nn.Parameter(torch.zeros(1, block_size, n_embd))
        self.blocks = nn.ModuleList(Block(n_embd, n_head) for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd)
        self.head = nn.Linear(n_embd, vocab_size, bias=False)

    def embed(self, tokens: Tensor, position: int = 0) -> Tensor:
        """Tokens int64 (N,T), the first of them at ``position`` -> (N,T,E)."""
        return self.tok_emb(tokens) + self.pos_emb[:, position : position + tokens.shape[1]]

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens int64 (N,T), T <= S -> logits (N,T,V) of the token after each."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))

    def hidden_states(self, tokens: Tensor, after: Collection[int]) -> list[Tensor]:
        """Tokens int64 (N,T), T <= S -> the outputs (N,T,E) of the blocks with indices ``after``, ascending. Stops at the last."""
        x = self.embed(tokens)
        states = []
        for i in range(max(after) + 1):
            x = self.blocks[i](x)
            if i in after:
                states.append(x)
        return states

    def new_cache(self) -> list[LayerCache]:
        """An empty cache for :meth:`step`, of any number of sequences."""
        return [LayerCache(self.block_size) for _ in self.blocks]

    def step(self, tokens: Tensor, cache: list[LayerCache]) -> Tensor:
        """The next token of each sequence, int64 (N,) -> logits (N,V) of the one after it; the cache grows by one, S times at most."""
        x = self.embed(tokens[:, None], position=cache[0].length)
        for block, layer_cache in zip(self.blocks, cache, strict=True):
            x = block(x, layer_cache)
        return self.head(self.ln_f(x))[:, 0]

    def reset_parameters(self) -> None:
        """GPT-2's start: weights from N(0, 0.02), biases and positions 0, layer normalisations the identity."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        nn.init.zeros_(self.pos_emb)
