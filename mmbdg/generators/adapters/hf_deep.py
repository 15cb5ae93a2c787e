"""BigGAN-deep weights of huggingface/pytorch-pretrained-BigGAN (``biggan-deep-512-pytorch_model.bin``)."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.generators.adapters.adapter import SN_U, SN_V, SN_WEIGHT, Adapter, Entry
from mmbdg.generators.adapters.biggan_sizes import biggan_deep_config
from mmbdg.generators.biggan_deep import BigGANDeep

SPECTRAL_NORM = {SN_WEIGHT: 'weight_orig', SN_U: 'weight_u', SN_V: 'weight_v'}


class HFDeepAdapter(Adapter):
    """Adapter with the same names as this package, except for the spectral norm, which has torch's older names."""

    name = 'hf-deep'
    description = 'huggingface/pytorch-pretrained-BigGAN'

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        return biggan_deep_config(
            raw,
            layer='generator.layers.{}.',
            first_conv='conv_0.weight_orig',
            last_conv='conv_3.weight_orig',
            embedding=tuple(raw['embeddings.weight'].t().shape),
            base_channels=len(raw['generator.bn.weight']),
            truncation_rows=len(raw['generator.bn.running_means']),
            rgb_outputs=len(raw['generator.conv_to_rgb.weight_orig']),
        )

    def ignored(self, key: str) -> bool:
        # Files of early torch versions also store the normalised weights that the hooks computed from weight_orig.
        return key.startswith('generator.') and key.endswith('.weight') and key != 'generator.bn.weight'

    def entries(self, generator: BigGANDeep) -> Iterator[Entry]:
        for key in generator.state_dict():
            theirs = key
            for ours, name in SPECTRAL_NORM.items():
                theirs = theirs.replace(ours, name)
            yield Entry(key, theirs)
