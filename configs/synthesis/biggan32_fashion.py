"""Synthesis of labelled garments with the embedded labelled generator, 100 samples per class.

python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT_DIR --num-per-class 100

It has none of the paper's filters, because here each of them costs a segmentor something (docs/analysis.md). biggan32_fashion_paper.py has
all three. For one of them: --cfg-options synthesis.uncertainty_rate=0.1 synthesis.candidates=112
"""

synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32', truncation=None),
    filters=[],
    num_per_class=100,
    seed=0,
    candidates=100,  # per block
)
