"""Distances between sets of images in the feature space of a network."""
