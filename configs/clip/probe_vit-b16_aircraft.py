"""Linear probe of CLIP ViT-B-16 on FGVC-Aircraft, after "The Unmet Promise". Not run by us.

    python tools/train.py configs/clip/probe_vit-b16_aircraft.py
    python tools/train.py configs/clip/probe_vit-b16_aircraft.py --cfg-options tuned=work_dirs/vit-b16_aircraft/epoch_30.pth

The numbers and their sources: configs/_base_/clip_probe.py.
"""

_base_ = ['../_base_/clip_probe.py', '../_base_/datasets/clip_aircraft.py']

model = dict(head=dict(num_classes=100))
train_dataloader = dict(dataset=dict(**_base_.encoded, dataset=_base_.probe_set))
test_dataloader = dict(dataset=dict(**_base_.encoded, dataset=_base_.test_set))
