"""Samplers: the order in which a training sees its samples."""
