"""Denoisers of diffusers with one interface: conditions, prediction, blocks that can be tapped, and cross-attention."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmbdg.errors import InputError

TAPPED_BLOCKS = 4
"""Largest number of transformer blocks that are tapped by default, at equal distances; the last block is one of them."""


def kind_of(denoiser: nn.Module) -> str:
    """Name of a denoiser's class, one of :data:`~mmbdg.generators.diffusers_parts.DENOISERS`."""
    return type(denoiser).__name__


def takes_labels(denoiser: nn.Module) -> bool:
    """Whether the condition of a denoiser is a class label. Otherwise it is a sequence of text embeddings."""
    return kind_of(denoiser) in ('UNet2DModel', 'DiTTransformer2DModel')


def has_no_condition(denoiser: nn.Module) -> bool:
    """Whether a denoiser knows no classes."""
    return kind_of(denoiser) == 'UNet2DModel' and denoiser.config['num_class_embeds'] is None


def conditional_first(denoiser: nn.Module) -> bool:
    """Whether diffusers' pipeline has the conditional half of a batch first, and the unconditional half second."""
    return kind_of(denoiser) == 'DiTTransformer2DModel'


def context_width(denoiser: nn.Module) -> int:
    """Size of a text embedding."""
    name = 'joint_attention_dim' if kind_of(denoiser) == 'SD3Transformer2DModel' else 'cross_attention_dim'
    return denoiser.config[name]


def pooled_width(denoiser: nn.Module) -> int:
    """Size of the embedding of a whole prompt; 0 if the denoiser takes none."""
    return denoiser.config['pooled_projection_dim'] if kind_of(denoiser) == 'SD3Transformer2DModel' else 0


def null_label(denoiser: nn.Module, num_classes: int) -> int | None:
    """Label of "no class", which follows all other labels; None if the denoiser has none."""
    if kind_of(denoiser) == 'DiTTransformer2DModel':
        return denoiser.config['num_embeds_ada_norm']  # diffusers adds a row for it
    return num_classes if (denoiser.config['num_class_embeds'] or 0) > num_classes else None


def has_empty_condition(denoiser: nn.Module, num_classes: int) -> bool:
    """Whether a denoiser can run without a class, as guidance needs it."""
    return not takes_labels(denoiser) or null_label(denoiser, num_classes) is not None


def check_conditions(denoiser: nn.Module, num_classes: int) -> None:
    """Check that a denoiser needs no other conditions than the class, and that its number of labels fits.

    Raises:
        InputError: It needs another condition, or has another number of labels.
    """
    config, kind = denoiser.config, kind_of(denoiser)
    if kind == 'UNet2DConditionModel':
        for key in ('addition_embed_type', 'class_embed_type', 'num_class_embeds', 'encoder_hid_dim_type', 'time_cond_proj_dim'):
            if config[key] is not None:
                raise InputError(f'denoiser.{key} is {config[key]!r}: only text embeddings can be given to a UNet2DConditionModel here')
        if not isinstance(config['cross_attention_dim'], int):
            raise InputError(f'denoiser.cross_attention_dim must be one number, got {config["cross_attention_dim"]}')
    elif kind == 'DiTTransformer2DModel':
        if config['num_embeds_ada_norm'] < num_classes:  # more are allowed: the pipeline of diffusers fixes their number at 1,000
            raise InputError(
                f'denoiser.num_embeds_ada_norm is {config["num_embeds_ada_norm"]}, but num_classes is {num_classes}; it must not be less'
            )
    elif kind == 'UNet2DModel':
        labels = config['num_class_embeds']
        if config['class_embed_type'] is not None:
            raise InputError('denoiser.class_embed_type must be None: classes are given as labels, with num_class_embeds')
        if labels is None and num_classes > 1:
            raise InputError(f'the denoiser has no classes: set denoiser.num_class_embeds to {num_classes}, or num_classes to 1')
        if labels is not None and labels not in (num_classes, num_classes + 1):
            raise InputError(
                f'denoiser.num_class_embeds is {labels}; for num_classes={num_classes} it must be {num_classes}, or '
                f'{num_classes + 1} with a label of "no class" for guidance'
            )


def predict(denoiser: nn.Module, noisy: Tensor, timestep: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
    """Predict noise, velocity or flow, as trained.

    Args:
        denoiser: The denoiser.
        noisy: Input, float (N,C,h,w).
        timestep: Timestep of the scheduler, a tensor with one number.
        conditions: Tensors of N rows, by the name of the denoiser's argument.

    Returns:
        float32 (N,C,h,w). A variance that the denoiser predicts too is left out, as diffusers' DiTPipeline does.
    """
    out = denoiser(noisy, timestep=timestep.expand(len(noisy)), **conditions, return_dict=False)[0]
    return out[:, : noisy.shape[1]].float()


def default_blocks(denoiser: nn.Module) -> list[str]:
    """Names of the blocks that are tapped by default.

    For a U-Net: the middle block, and in each upsampling block the last layer before it upsamples. For a transformer:
    :data:`TAPPED_BLOCKS` blocks.
    """
    if kind_of(denoiser).startswith('UNet'):
        names = [] if denoiser.mid_block is None else ['mid_block']
        return names + [f'up_blocks.{i}.{_last_layer(block)}' for i, block in enumerate(denoiser.up_blocks)]
    count = len(denoiser.transformer_blocks)
    taken = min(TAPPED_BLOCKS, count)
    return [f'transformer_blocks.{count * (i + 1) // taken - 1}' for i in range(taken)]


def default_decoder_blocks(autoencoder: nn.Module) -> list[str]:
    """Names of the blocks of an autoencoder's decoder that are tapped by default: one for each resolution."""
    if type(autoencoder).__name__ == 'AutoencoderKL':
        return ['decoder.mid_block'] + [f'decoder.up_blocks.{i}.{_last_layer(b)}' for i, b in enumerate(autoencoder.decoder.up_blocks)]
    layers = list(autoencoder.decoder.layers)
    ends = [i - 1 for i, layer in enumerate(layers) if isinstance(layer, nn.Upsample)] + [len(layers) - 2]
    return [f'decoder.layers.{i}' for i in ends]


def _last_layer(block: nn.Module) -> str:
    """Name of the last layer of a block before upsampling."""
    attentions = getattr(block, 'attentions', None)
    name = 'attentions' if attentions else 'resnets'
    return f'{name}.{len(getattr(block, name)) - 1}'


def feature_map(output: Any, denoiser: nn.Module) -> Tensor:
    """The feature map (N,C,h,w) in the output of a block: a map, tokens (N,h*w,C) row by row, or a tuple with one of them.

    Raises:
        InputError: The output holds no square map.
    """
    if isinstance(output, tuple):  # a block of SD3's transformer gives the text first
        output = output[-1] if kind_of(denoiser) == 'SD3Transformer2DModel' else output[0]
    if not isinstance(output, Tensor):
        output = getattr(output, 'sample', None)
    if isinstance(output, Tensor) and output.ndim == 3:
        side = round(output.shape[1] ** 0.5)
        if side**2 == output.shape[1]:
            return output.transpose(1, 2).unflatten(2, (side, side))
    if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3]:
        return output
    raise InputError(f'the output is no square feature map: {tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__}')


def cross_attention_layers(denoiser: nn.Module) -> list[str]:
    """Names of the layers in which the image attends to the text; empty for a denoiser without text."""
    kind = kind_of(denoiser)
    if kind == 'UNet2DConditionModel':
        return [name for name, module in denoiser.named_modules() if name.endswith('attn2') and module.is_cross_attention]
    if kind == 'SD3Transformer2DModel':
        return [f'transformer_blocks.{i}.attn' for i in range(len(denoiser.transformer_blocks))]
    return []


def attention_map(layer: nn.Module, hidden: Tensor, context: Tensor, weights: Tensor) -> Tensor:
    """Attention of each position of the image to given tokens of the text, averaged over the heads.

    It is computed from the inputs of the layer, besides the layer's own pass, which uses a kernel that returns no probabilities. So the
    image does not depend on whether it is computed.

    Args:
        layer: Layer of :func:`cross_attention_layers`.
        hidden: Its input of the image, float (N,h*w,C).
        context: Its input of the text, float (N,L,D).
        weights: Weight of each token, float (N,L); each row has the sum 1.

    Returns:
        float (N,h*w): probability of the tokens divided by that of equal attention to everything; 1 means no preference.
    """
    if layer.norm_cross:
        context = layer.norm_encoder_hidden_states(context)
    if hidden.ndim == 4:
        hidden = hidden.flatten(2).transpose(1, 2)
    joint = hasattr(layer, 'add_k_proj') and layer.add_k_proj is not None
    queries, keys = layer.to_q(hidden), layer.add_k_proj(context) if joint else layer.to_k(context)
    queries, keys = _heads(queries, layer.heads, layer.norm_q), _heads(keys, layer.heads, layer.norm_added_k if joint else layer.norm_k)
    if joint:  # the image attends to itself and to the text
        keys = torch.cat([_heads(layer.to_k(hidden), layer.heads, layer.norm_k), keys], dim=2)
        weights = torch.cat([weights.new_zeros(len(weights), hidden.shape[1]), weights], dim=1)
    total = 0
    for head in range(layer.heads):  # one after the other: the probabilities of all heads would take much memory
        scores = queries[:, head].float() @ keys[:, head].float().transpose(1, 2) * layer.scale
        total = total + (scores.softmax(dim=-1) @ weights[:, :, None].float())[..., 0]
    return total / layer.heads * keys.shape[2]


def _heads(projected: Tensor, heads: int, norm: nn.Module | None) -> Tensor:
    """(N,T,heads*d) -> (N,heads,T,d), normalised."""
    split = projected.unflatten(2, (heads, -1)).transpose(1, 2)
    return split if norm is None else norm(split)
