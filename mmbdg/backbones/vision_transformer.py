"""Convert plain vision transformers of mmpretrain (``VisionTransformer``, ``MoCoV3ViT``) to timm and torchvision."""

import re
from typing import NamedTuple

from torch import Tensor

from mmbdg.compat.checkpoint import describe_difference
from mmbdg.errors import InputError

# Number of heads of mmpretrain's architectures, which does not follow from the tensors.
HEADS = {
    **dict.fromkeys(('s', 'small'), 8),
    **dict.fromkeys(('b', 'base', 'deit-b', 'deit-base'), 12),
    **dict.fromkeys(('l', 'large', 'h', 'huge'), 16),
    **dict.fromkeys(('deit-t', 'deit-tiny'), 3),
    **dict.fromkeys(('deit-s', 'deit-small', 'dinov2-s', 'dinov2-small'), 6),
    **dict.fromkeys(('mocov3-s', 'mocov3-small'), 12),
}
STANDARD = dict(
    in_channels=3,
    qkv_bias=True,
    final_norm=True,
    with_cls_token=True,
    layer_scale_init_value=0.0,
    pre_norm=False,
)
EMPTY = ('patch_cfg', 'layer_cfgs')
HARMLESS = {
    'type', '_scope_', 'arch', 'img_size', 'patch_size', 'out_indices', 'drop_rate', 'drop_path_rate', 'frozen_stages', 'init_cfg',
    'interpolate_mode', 'stop_grad_conv1', 'norm_eval', 'out_type', 'norm_cfg',
}  # fmt: skip
EPS = 1e-6


class Sizes(NamedTuple):
    """Sizes of a ViT with square images and patches."""

    width: int
    layers: int
    heads: int
    hidden: int
    patch: int
    image: int


TIMM = {
    Sizes(192, 12, 3, 768, 16, 224): 'vit_tiny_patch16_224',
    Sizes(384, 12, 6, 1536, 16, 224): 'vit_small_patch16_224',
    Sizes(768, 12, 12, 3072, 16, 224): 'vit_base_patch16_224',
    Sizes(1024, 24, 16, 4096, 16, 224): 'vit_large_patch16_224',
    Sizes(1280, 32, 16, 5120, 14, 224): 'vit_huge_patch14_224',
}
TORCHVISION = {
    Sizes(768, 12, 12, 3072, 16, 224): 'vit_b_16',
    Sizes(768, 12, 12, 3072, 32, 224): 'vit_b_32',
    Sizes(1024, 24, 16, 4096, 16, 224): 'vit_l_16',
    Sizes(1024, 24, 16, 4096, 32, 224): 'vit_l_32',
    Sizes(1280, 32, 16, 5120, 14, 224): 'vit_h_14',
}
NAMES = {  # name in mmpretrain: (name in timm, name in torchvision)
    'cls_token': ('cls_token', 'class_token'),
    'pos_embed': ('pos_embed', 'encoder.pos_embedding'),
    **{f'patch_embed.projection.{part}': (f'patch_embed.proj.{part}', f'conv_proj.{part}') for part in ('weight', 'bias')},
    **{f'ln1.{part}': (f'norm.{part}', f'encoder.ln.{part}') for part in ('weight', 'bias')},
}
LAYER_NAMES = {
    'ln1.': ('norm1.', 'ln_1.'),
    'attn.qkv.': ('attn.qkv.', 'self_attention.in_proj_'),
    'attn.proj.': ('attn.proj.', 'self_attention.out_proj.'),
    'ln2.': ('norm2.', 'ln_2.'),
    'ffn.layers.0.0.': ('mlp.fc1.', 'mlp.0.'),
    'ffn.layers.1.': ('mlp.fc2.', 'mlp.3.'),
}
LAYERS = ('blocks.', 'encoder.layers.encoder_layer_')


def vit_to_layout(state: dict[str, Tensor], backbone: dict, layout: str) -> tuple[dict[str, Tensor], str, bool]:
    """State dict with the library's names, how to build the network in the library, and whether that needs non-default arguments.

    Raises:
        InputError: The library cannot build the network, or the tensors are not those of a plain ViT.
    """
    if layout == 'detectron2':
        raise InputError("detectron2's ViT is another network (relative positions, windows); use --layout openmmlab, timm or torchvision")
    _refuse_unusual(backbone, layout)
    names = _names(state, ('timm', 'torchvision').index(layout))
    sizes = _sizes(state, backbone)
    network, standard = (_timm if layout == 'timm' else _torchvision)(sizes)
    return {names[key]: value for key, value in state.items()}, network, not standard


def _refuse_unusual(backbone: dict, layout: str) -> None:
    norm = backbone.get('norm_cfg') or dict(type='LN', eps=EPS)
    given = {key: value for key, value in backbone.items() if key not in HARMLESS and not (key in EMPTY and not value)}
    unusual = [f'{key}={value}' for key, value in given.items() if key not in STANDARD or value != STANDARD[key]]
    if norm.get('type') != 'LN' or norm.get('eps', 1e-5) != EPS or set(norm) - {'type', 'eps', 'requires_grad', '_scope_'}:
        unusual.append(f'norm_cfg={dict(norm)}')
    if backbone.get('out_type') == 'avg_featmap':
        unusual.append('out_type=avg_featmap (a norm after the average)')
    if unusual:
        raise InputError(
            f"this ViT has {', '.join(unusual)}, which {layout}'s plain one does not have: it would not load the weights, or load them "
            'without an error but give other features. Use --layout openmmlab'
        )


def _names(state: dict[str, Tensor], library: int) -> dict[str, str]:
    """Names in the library by names in the state dict.

    Raises:
        InputError: The state dict lacks names, or has unknown ones.
    """
    count = 1 + max((int(match[1]) for key in state if (match := re.match(r'layers\.(\d+)\.', key))), default=0)
    names = {key: libraries[library] for key, libraries in NAMES.items()}
    for layer in range(count):
        for own, libraries in LAYER_NAMES.items():
            for part in ('weight', 'bias'):
                names[f'layers.{layer}.{own}{part}'] = f'{LAYERS[library]}{layer}.{libraries[library]}{part}'
    missing, unknown = [key for key in names if key not in state], [key for key in state if key not in names]
    if missing or unknown:
        raise InputError(f"the tensors are not those of mmpretrain's plain ViT\n{describe_difference(missing, unknown, [])}")
    return names


def _sizes(state: dict[str, Tensor], backbone: dict) -> Sizes:
    arch = backbone.get('arch', 'base')
    heads = arch.get('num_heads') if isinstance(arch, dict) else HEADS.get(str(arch).lower())
    if heads is None:
        raise InputError(f'the number of heads of a ViT with arch="{arch}" is unknown; known architectures are {", ".join(HEADS)}')
    width, _, patch, other = state['patch_embed.projection.weight'].shape
    tokens = state['pos_embed'].shape[1] - 1
    grid = round(tokens**0.5)
    if patch != other or grid**2 != tokens or state['layers.0.attn.qkv.weight'].shape != (3 * width, width):
        raise InputError(
            f'only ViTs with square images and patches can be converted; this one has patches of {patch}x{other} and {tokens} tokens'
        )
    layers = 1 + max(int(key.split('.')[1]) for key in state if key.startswith('layers.'))
    return Sizes(width, layers, heads, state['layers.0.ffn.layers.0.0.weight'].shape[0], patch, grid * patch)


def _timm(sizes: Sizes) -> tuple[str, bool]:
    for known, name in TIMM.items():
        if known._replace(heads=sizes.heads, image=sizes.image) == sizes:
            arguments = '' if known.heads == sizes.heads else f', num_heads={sizes.heads}'
            arguments += '' if known.image == sizes.image else f', img_size={sizes.image}'
            return f"timm.create_model('{name}'{arguments}, num_classes=0)", not arguments
    return (
        f'timm.models.VisionTransformer(img_size={sizes.image}, patch_size={sizes.patch}, embed_dim={sizes.width}, depth={sizes.layers}, '
        f'num_heads={sizes.heads}, mlp_ratio={sizes.hidden / sizes.width:g}, num_classes=0)'
    ), False


def _torchvision(sizes: Sizes) -> tuple[str, bool]:
    if sizes in TORCHVISION:
        return f'torchvision.models.{TORCHVISION[sizes]}()', True
    return (
        f'torchvision.models.VisionTransformer(image_size={sizes.image}, patch_size={sizes.patch}, num_layers={sizes.layers}, '
        f'num_heads={sizes.heads}, hidden_dim={sizes.width}, mlp_dim={sizes.hidden})'
    ), False
