"""Synthesis of labelled garments with the three filters of the paper: truncation, rejection sampling, uncertainty.

python tools/synthesize.py configs/synthesis/biggan32_fashion_paper.py OUT_DIR --num-per-class 100

On the embedded garments they cost a segmentor ten points (docs/analysis.md), so biggan32_fashion.py has none of them.
"""

_base_ = ['../_base_/models/resnet_fashion32.py']

synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32', truncation=0.9),
    filters=[
        dict(
            type='mmbdg.RejectionSampling',
            classifier=dict(init_cfg=dict(type='Pretrained', checkpoint='mmbdg://fashion32/classifier.safetensors'), **_base_.classifier),
            rate=0.9,  # paper: keep the 10 % with the highest confidence of their own class
        ),
        dict(type='mmbdg.UncertaintyFilter', rate=0.1),  # paper: drop the 10 % with the largest disagreement of the ensemble
    ],
    num_per_class=100,
    seed=0,
    candidates=222,  # per block: 222 candidates, 22 after rejection, 20 after the uncertainty filter
)
