"""The user's own pools of images with captions, in the layouts of other tools, and search indices of them."""

from mmbdg.pools.base import Pool
from mmbdg.pools.build import LAYOUTS, open_pool
from mmbdg.pools.entry import Entry
from mmbdg.pools.indexing import build_index, default_index
from mmbdg.pools.pool_index import PoolIndex
from mmbdg.pools.precision import precision_at

__all__ = ['LAYOUTS', 'Entry', 'Pool', 'PoolIndex', 'build_index', 'default_index', 'open_pool', 'precision_at']
