"""unet_32px_light.py, trained with synthetic labelled garments that are made during the training. The test images are real.

python tools/train.py configs/transfer/fashion/unet_32px_online.py
python tools/train.py configs/transfer/fashion/unet_32px_online.py --cfg-options candidates=4                     # steered synthesis
python tools/train.py configs/transfer/fashion/unet_32px_online.py --cfg-options candidates=4 members=16 max_uncertainty=0.05

docs/online.md describes steered synthesis.
"""

_base_ = 'unet_32px_light.py'

labelled_generator = 'fashion32'
online_seed = 0
candidates = 1  # samples of an address, of which the network gets the one that it is least certain of; 1: no steering
score = 'entropy'  # what "certain" means, see mmbdg.SteeredSampler
members = 1  # interpreters that label the images
max_uncertainty = None  # bound on the disagreement of the interpreters about an image, in nats; needs more than one of them

model = dict(
    data_preprocessor=dict(
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=labelled_generator,
        precision='float32',  # for a CPU
        members=members,
        augmentation=dict(size=_base_.size, area=(0.64, 1.0), ratio=(1.0, 1.0)),
        sampling=dict(max_uncertainty=max_uncertainty, steering=dict(candidates=candidates, score=score)),
    )
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.OnlineSyntheticDataset',
        labelled_generator=labelled_generator,
        label_space='classes',
        seed=online_seed,
    ),
)
