"""VQGAN's second stage: a causal transformer over the tokens of an image (Esser et al. 2021)."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Shape legend: N sequences, T tokens per sequence so far, E = n_embd, V codes, S = block_size, the largest number of tokens.


class LayerCache:
    """Cache of the keys and values of one layer: allocated once for all positions and filled token by token.

    Args:
        block_size: Number of positions S.
    """

    def __init__(self, block_size: int) -> None:
        self.block_size = block_size
        self.length = 0

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Key and value (N,heads,1,E/heads) of the next token -> those of all tokens so far, (N,heads,T,E/heads), as views."""
        if self.length == 0:  # allocated here because under autocast the keys have another dtype than the weights
            shape = (*key.shape[:2], self.block_size, key.shape[3])
            self.keys, self.values = key.new_empty(shape), value.new_empty(shape)
        position, self.length = self.length, self.length + 1
        self.keys[:, :, position : self.length] = key
        self.values[:, :, position : self.length] = value
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


class CausalAttention(nn.Module):
    """Multi-head self-attention of each token to itself and the tokens before it.

    The mask is not stored as a buffer: it is the same for all layers and follows from T.

    Args:
        n_embd: Size E of a hidden state.
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
        """x (N,T,E) -> (N,T,E); with a cache, x (N,1,E) holds only the next token."""
        q, k, v = (linear(x).unflatten(2, (self.n_head, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value))
        if cache is not None:
            k, v = cache.append(k, v)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)  # (N, heads, T, E/heads)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then an MLP with one hidden layer of size 4 E; each has a layer normalisation before it and a residual connection.

    Args: See :class:`CausalAttention`.
    """

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)
        self.attn = CausalAttention(n_embd, n_head)
        self.mlp = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.GELU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """x (N,T,E) -> (N,T,E); with a cache, x (N,1,E) holds only the next token."""
        x = x + self.attn(self.ln1(x), cache)
        return x + self.mlp(self.ln2(x))


class Transformer(nn.Module):
    """GPT-2's architecture with learned position embeddings, as in minGPT (Taming Transformers, arXiv 2012.09841, section 3.2).

    It is meant for trained weights: there is no dropout, which training from scratch would need.

    Args:
        vocab_size: Number of codes V.
        block_size: Length S of the longest sequence.
        n_layer: Number of blocks.
        n_head: Number of attention heads per block, a divisor of ``n_embd``.
        n_embd: Size E of a hidden state.
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
        """Tokens int64 (N,T), whose first one has position ``position`` -> embeddings (N,T,E)."""
        return self.tok_emb(tokens) + self.pos_emb[:, position : position + tokens.shape[1]]

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens int64 (N,T), T <= S -> logits (N,T,V) of the token that follows each position."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))

    def hidden_states(self, tokens: Tensor, after: Collection[int]) -> list[Tensor]:
        """Tokens int64 (N,T), T <= S -> outputs (N,T,E) of the blocks with indices ``after``, ascending. Later blocks are not computed."""
        x = self.embed(tokens)
        states = []
        for i in range(max(after) + 1):
            x = self.blocks[i](x)
            if i in after:
                states.append(x)
        return states

    def new_cache(self) -> list[LayerCache]:
        """Empty cache for :meth:`step`, for any number of sequences."""
        return [LayerCache(self.block_size) for _ in self.blocks]

    def step(self, tokens: Tensor, cache: list[LayerCache]) -> Tensor:
        """Next token of each sequence, int64 (N,) -> logits (N,V) of the token after it; appends one token to the cache, at most S."""
        x = self.embed(tokens[:, None], position=cache[0].length)
        for block, layer_cache in zip(self.blocks, cache, strict=True):
            x = block(x, layer_cache)
        return self.head(self.ln_f(x))[:, 0]

    def reset_parameters(self) -> None:
        """Initialise as GPT-2: weights from N(0, 0.02), biases and position embeddings 0, layer normalisations the identity."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.LayerNorm):
                module.reset_parameters()
        nn.init.zeros_(self.pos_emb)
