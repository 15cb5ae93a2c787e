"""Adapters between published checkpoints and the generators of this package, one per source."""

from collections.abc import Mapping

from mmbdg.errors import InputError
from mmbdg.generators.adapters.adapter import Adapter, Entry
from mmbdg.generators.adapters.ajbrock import AjbrockAdapter
from mmbdg.generators.adapters.dcgan import DCGANAdapter
from mmbdg.generators.adapters.hf_deep import HFDeepAdapter
from mmbdg.generators.adapters.ivclab import IvclabAdapter
from mmbdg.generators.adapters.mmagic_deep import MmagicDeepAdapter
from mmbdg.generators.adapters.taming import TamingAdapter
from mmbdg.generators.adapters.tfhub import TFHubAdapter

ADAPTERS: dict[str, Adapter] = {
    adapter.name: adapter
    for adapter in (
        TFHubAdapter(),
        AjbrockAdapter(),
        IvclabAdapter(),
        HFDeepAdapter(),
        MmagicDeepAdapter(),
        TamingAdapter(),
        DCGANAdapter(),
    )
}


def adapter_of(source: str, adapters: Mapping[str, Adapter] = ADAPTERS) -> Adapter:
    """Return the adapter of a source.

    Args:
        source: Name of the source.
        adapters: Adapters by name. Default: the adapters of generators.

    Raises:
        InputError: There is no such adapter.
    """
    if not isinstance(source, str) or source not in adapters:
        raise InputError(f'there is no adapter for "{source}"; sources are {", ".join(adapters)}')
    return adapters[source]


__all__ = ['ADAPTERS', 'Adapter', 'Entry', 'adapter_of']
