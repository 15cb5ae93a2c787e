"""Adapters between published checkpoints and our generators, one per source."""

from mmbdg.errors import InputError
from mmbdg.generators.adapters.adapter import Adapter, Entry
from mmbdg.generators.adapters.ajbrock import AjbrockAdapter
from mmbdg.generators.adapters.dcgan import DCGANAdapter
from mmbdg.generators.adapters.hf_deep import HFDeepAdapter
from mmbdg.generators.adapters.ivclab import IvclabAdapter
from mmbdg.generators.adapters.mmagic_deep import MmagicDeepAdapter
from mmbdg.generators.adapters.taming import TamingAdapter
from mmbdg.generators.adapters.tfhub import TFHubAdapter

SOURCES: dict[str, Adapter] = {
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


def adapter_of(source: str) -> Adapter:
    """The adapter of a source by name.

    Raises:
        InputError: There is none.
    """
    if source not in SOURCES:
        raise InputError(f'there is no adapter for "{source}"; sources are {", ".join(SOURCES)}')
    return SOURCES[source]


__all__ = ['SOURCES', 'Adapter', 'Entry', 'adapter_of']
