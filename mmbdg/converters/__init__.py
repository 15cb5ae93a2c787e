"""Checks unpacked archives of COCO, VOC and Cityscapes, and writes the additional files that mmseg and mmdet need."""
