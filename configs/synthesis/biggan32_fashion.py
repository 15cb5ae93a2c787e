"""Synthesis of labelled garments with the embedded labelled generator, 100 samples per class.

python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT_DIR --num-per-class 100

Of the paper's filters it has that of uncertainty only: truncation and rejection sampling cost a segmentor more than they bring here
(docs/analysis.md). biggan32_fashion_paper.py has all three.
"""

synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32', truncation=None),
    filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.1)],  # paper: drop the 10 % with the largest disagreement of the ensemble
    num_per_class=100,
    seed=0,
    candidates=112,  # per block, 100 after the filter
)
