"""The sub-commands of tools/benchmark.py."""
