"""COCO, VOC and Cityscapes as their archives unpack: is everything there, and what the mm packages want beside it."""
