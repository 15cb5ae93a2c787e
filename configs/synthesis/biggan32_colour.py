"""Labelled garments in colour from the GAN of the domain. Of the filters it has that of uncertainty only (docs/colour_garments.md).

python tools/synthesize.py configs/synthesis/biggan32_colour.py data/biggan32_colour --num-per-class 900
"""

labelled_generator = 'work_dirs/biggan32_colour/labelled_generator'
synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=labelled_generator),
    filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.1)],
    num_per_class=100,
    seed=0,
    candidates=112,
)
requires = dict(labelled_generator='the labelled generator: python tools/train.py configs/interpreter/biggan32_colour.py')
