"""Real training images at 32 px with masks by the foreground rule, for tools that compare datasets."""

images = dict(
    type='mmbdg.FashionMNIST32', split='train', label_space='classes', test_mode=True, pipeline=[dict(type='mmseg.PackSegInputs')]
)
