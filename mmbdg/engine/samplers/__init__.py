"""Samplers: the order of the samples in a training."""
