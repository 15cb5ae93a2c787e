"""The 1,000 classes of ImageNet; mmbdg.assets.class_lists has the names and, for the folders, the wnids."""

class_names = 'in1k'
folders = 'in1k'
