"""The 1,000 classes of ImageNet; mmbdg.assets.class_lists has the names and the wnids of the folders."""

class_names = 'in1k'
