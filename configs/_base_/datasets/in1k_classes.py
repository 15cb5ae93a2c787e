"""The 1,000 classes of ImageNet. Names and folders (wnids) are in mmbdg.assets.class_lists."""

class_names = 'in1k'
