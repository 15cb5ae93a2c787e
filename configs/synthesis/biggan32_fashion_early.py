"""Synthesis of labelled garments with early rejection: a judge drops four of five candidates before their images are finished.

python tools/synthesize.py configs/synthesis/biggan32_fashion_early.py OUT_DIR --num-per-class 100
"""

_base_ = './biggan32_fashion_paper.py'

judge = None  # folder or file of a judge (configs/judge/early_biggan32.py); None: that of the labelled generator
synthesis = dict(
    filters=[
        dict(
            type='mmbdg.RejectionSampling',
            classifier=_base_.synthesis.filters[0]['classifier'],
            rate=0.9,  # of all candidates: 222 candidates, 44 after the judge, 22 after the classifier
            early=dict(keep=0.2, judge=judge),
        ),
        dict(type='mmbdg.UncertaintyFilter', rate=0.1),
    ],
)
