"""Real garments in colour with masks by a labeller that was trained on 50 annotated real images.

python tools/train.py configs/interpreter/real_colour.py
python tools/dataset_converters/colour_garments.py data/colour_images --no-masks
python tools/synthesize.py configs/synthesis/real_labelled_colour32.py data/real_labelled_colour
"""

_base_ = 'real_labelled_fashion32.py'

images = 'data/colour_images/images'
labeller = 'work_dirs/real_colour/labelled_generator'
synthesis = dict(source=dict(images=images, labeller=labeller), num_per_class=900)  # of 1,000 images of a class; a tenth is dropped
requires = dict(
    images='images to label: python tools/dataset_converters/colour_garments.py data/colour_images --no-masks',
    labeller='the labeller of real images: python tools/train.py configs/interpreter/real_colour.py',
)
