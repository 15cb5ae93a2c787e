"""Settings for your own images: copy this folder, edit this file, and follow README.md in this folder.

``python tools/check_images.py FOLDER`` looks at your images and prints the lines for this file. All sizes and lengths of the networks are
derived from these lines by mmbdg.own_images.layouts, see docs/own_images.md.
"""

data_root = 'data/own'
work_root = 'work_dirs/own'
class_names = ('first', 'second')  # names of the folders in data_root/images
resolution = 64  # height and width in pixels of the generated images: 32, 64, 128 or 256
colours = 'rgb'  # or 'grey'
num_images = None  # number of your images, so that few images are not repeated too often; None: lengths depend on the budget only
budget = 'gpu-hour'  # from the classifier to the first synthetic dataset: 'cpu-hour' (two cores), 'gpu-hour' or 'gpu-day'
generator_type = 'biggan'  # or 'diffusion' (a diffusion model from nothing), or 'diffusion-lora' (adapters of an existing one)
label_space = 'classes'  # labels of the segmentation networks: 'classes' or 'fgbg'
mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
if colours == 'grey':
    mean, std = [117.0, 117.0, 117.0], [57.5, 57.5, 57.5]
