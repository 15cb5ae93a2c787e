"""Lungs in chest X-rays: the four public sets of the paper's Table 5 (BigDatasetGAN, section 5.3)."""

from mmbdg.datasets.chest_xray.dataset import ChestXRayDataset

__all__ = ['ChestXRayDataset']
