"""BigGAN-deep as huggingface/pytorch-pretrained-BigGAN keeps it (``biggan-deep-512-pytorch_model.bin``)."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.generators.adapters.adapter import SN_U, SN_V, SN_WEIGHT, Adapter, Entry
from mmbdg.generators.biggan_deep import BOTTOM_RESOLUTION, BigGANDeep

SPECTRAL_NORM = {SN_WEIGHT: 'weight_orig', SN_U: 'weight_u', SN_V: 'weight_v'}


class HFDeepAdapter(Adapter):
    """Our names are this source's but for the spectral norm's, where it has torch's first ones."""

    name = 'hf-deep'
    description = 'huggingface/pytorch-pretrained-BigGAN'

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        count = 1 + max(int(key.split('.')[2]) for key in raw if key.startswith('generator.layers.'))
        attention = next(i for i in range(count) if f'generator.layers.{i}.gamma' in raw)
        base = len(raw['generator.bn.weight'])
        channels = []
        for i in [i for i in range(count) if i != attention]:
            name = f'generator.layers.{i}.'
            channels.append((raw[name + 'conv_0.weight_orig'].shape[1] // base, raw[name + 'conv_3.weight_orig'].shape[0] // base))
        blocks = with_upsampling(channels)
        return dict(
            type='mmbdg.BigGANDeep',
            resolution=BOTTOM_RESOLUTION * 2 ** sum(up for up, _, _ in blocks),
            num_classes=raw['embeddings.weight'].shape[1],
            base_channels=base,
            latent_dim=raw['embeddings.weight'].shape[0],
            blocks=blocks,
            attention_position=attention,
            truncation_rows=len(raw['generator.bn.running_means']),
            rgb_outputs=raw['generator.conv_to_rgb.weight_orig'].shape[0],
        )

    def ignored(self, key: str) -> bool:
        # What the hooks computed from weight_orig lies beside it in files of early torch versions.
        return key.startswith('generator.') and key.endswith('.weight') and key != 'generator.bn.weight'

    def entries(self, generator: BigGANDeep) -> Iterator[Entry]:
        for key in generator.state_dict():
            theirs = key
            for ours, name in SPECTRAL_NORM.items():
                theirs = theirs.replace(ours, name)
            yield Entry(key, theirs)


def with_upsampling(channels: list[tuple[int, int]]) -> tuple[tuple[bool, int, int], ...]:
    """Which blocks double the resolution is not in the weights: in the published models every second one."""
    return tuple((i % 2 == 1, into, out) for i, (into, out) in enumerate(channels))
