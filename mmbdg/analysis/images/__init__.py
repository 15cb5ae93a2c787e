"""Readers of labelled images (images with masks) for the analysis."""
