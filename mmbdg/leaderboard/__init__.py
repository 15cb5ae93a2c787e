"""Leaderboard of the pixel-wise benchmarks: entries from result files, their checks, and the pages (tools/leaderboard.py)."""

from mmbdg.leaderboard.domains import DOMAINS, Domain, Task
from mmbdg.leaderboard.entry import Entry
from mmbdg.leaderboard.new_entry import About, new_entry
from mmbdg.leaderboard.pages import write_pages
from mmbdg.leaderboard.read_entries import NamedEntry, read_entries

__all__ = ['DOMAINS', 'About', 'Domain', 'Entry', 'NamedEntry', 'Task', 'new_entry', 'read_entries', 'write_pages']
