"""The base class of the two adapters for weights with DeepMind's structure of BigGAN: block names and layouts."""

from abc import abstractmethod
from collections.abc import Iterator

from mmbdg.generators.adapters.adapter import Adapter, Entry
from mmbdg.generators.adapters.layouts import PLAIN, Layout, channels_last_outputs, latent_first_inputs
from mmbdg.generators.biggan import BOTTOM_RESOLUTION, BigGAN
from mmbdg.generators.layers import ConditionalResBlock


class DeepMindAdapter(Adapter):
    """Yields the entries of a BigGAN in the order of the network. Subclasses define the entries of a single layer.

    The source has the conditions [z, y], this package has [y, z]. The first linear layer outputs (pixel, channel) in the
    source and (channel, pixel) in this package.
    """

    joint: str
    """Separator of the parts of a name."""
    names: dict[str, str]
    """Names in the source, by: embedding, linear, block, hyper_bn, attention, output_bn, output_gain, output_bias, output_conv."""

    @abstractmethod
    def layer(self, ours: str, theirs: str, module: object, outputs: Layout, inputs: Layout) -> Iterator[Entry]:
        """Yield the entries of a linear layer or convolution."""

    @abstractmethod
    def statistics(self, ours: str, theirs: str, position: int, rows: int) -> Iterator[Entry]:
        """Yield the entries of the statistics of a batch normalisation. ``position`` is its number in the network, from 0."""

    def output_affine(self, theirs: str) -> Iterator[Entry]:
        """Yield the entries of the output layer's gain and bias."""
        yield Entry('output_layer.0.weight', self.joint.join([theirs, self.names['output_gain']]))
        yield Entry('output_layer.0.bias', self.joint.join([theirs, self.names['output_bias']]))

    def entries(self, generator: BigGAN) -> Iterator[Entry]:
        names, rows = self.names, generator.truncation_rows
        z_first = latent_first_inputs(generator.embed_dim)
        yield Entry('shared.weight', names['embedding'])
        yield from self.layer('linear', names['linear'], generator.linear, channels_last_outputs(BOTTOM_RESOLUTION**2), PLAIN)
        position = 0
        for i, stage in enumerate(generator.blocks):
            for j, block in enumerate(stage):
                ours = f'blocks.{i}.{j}'
                if isinstance(block, ConditionalResBlock):
                    theirs = names['block'] + (f'_{i}' if i else '')
                    for k, bn in enumerate(('bn1', 'bn2')):
                        hyper = self.joint.join([theirs, names['hyper_bn'] + (f'_{k}' if k else '')])
                        for part, their_part in (('gain', 'gamma'), ('bias', 'beta')):
                            linear = getattr(getattr(block, bn), part)
                            yield from self.layer(f'{ours}.{bn}.{part}', self.joint.join([hyper, their_part]), linear, PLAIN, z_first)
                        yield from self.statistics(f'{ours}.{bn}.bn', hyper, position, rows)
                        position += 1
                    for conv, their_conv in (('conv1', 'conv0'), ('conv2', 'conv1'), ('conv_sc', 'conv_sc')):
                        yield from self.layer(f'{ours}.{conv}', self.joint.join([theirs, their_conv]), getattr(block, conv), PLAIN, PLAIN)
                else:
                    theirs = names['attention']
                    for conv, their_conv in (('theta', 'theta'), ('phi', 'phi'), ('g', 'g'), ('o', 'o_conv')):
                        yield from self.layer(f'{ours}.{conv}', self.joint.join([theirs, their_conv]), getattr(block, conv), PLAIN, PLAIN)
                    yield self.gate(f'{ours}.gamma', self.joint.join([theirs, 'gamma']))
        yield from self.output_affine(names['output_bn'])
        yield from self.statistics('output_layer.0', names['output_bn'], position, rows)
        yield from self.layer('output_layer.2', names['output_conv'], generator.output_layer[2], PLAIN, PLAIN)

    @abstractmethod
    def gate(self, ours: str, theirs: str) -> Entry:
        """Return the entry of the attention's scalar ``gamma``."""
