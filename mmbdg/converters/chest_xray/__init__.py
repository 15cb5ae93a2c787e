"""Converts the archives of four public sets of chest X-rays to images, masks and lists (BigDatasetGAN, Table 5)."""
