"""Senses and prompts of the ten garments. "boot", "bag" and "jumper" have several senses; the embedded real images decide.

python tools/class_senses.py find configs/prompts/fashion32.py senses.json
python tools/class_senses.py apply configs/prompts/fashion32.py senses.json classes.json
python tools/prompts.py configs/prompts/fashion32.py prompts.json --cfg-options classes=classes.json
"""

classes = ['t-shirt', 'trouser', 'pullover', 'jumper', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot']

senses = dict(
    classes=classes,
    candidates={
        'jumper': ['pullover', 'dress'],  # British, American
        'bag': ['trouser', 'handbag'],  # "bags" are wide trousers
        'boot': ['luggage space of a car', 'footwear'],  # British: also a part of a car
    },
    images=dict(type='mmbdg.FashionMNIST32', split='train'),
    num_images=16,
    embedder=dict(type='mmbdg.OpenCLIP', folder='mmbdg://fashion32/clip'),
)
prompts = dict(classes=classes, per_class=100, style_prob=0.0, seed=0)  # the embedded garments have one style
