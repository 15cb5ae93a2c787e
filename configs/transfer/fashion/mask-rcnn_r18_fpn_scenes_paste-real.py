"""Control of mask-rcnn_r18_fpn_scenes_paste.py: the same number of real photos, cut out by the foreground rule, are pasted.

python tools/train.py configs/transfer/fashion/mask-rcnn_r18_fpn_scenes_paste-real.py --cfg-options pretrained=BACKBONE num_scenes=20
"""

_base_ = 'mask-rcnn_r18_fpn_scenes_paste.py'

objects = dict(_delete_=True, type='mmbdg.FashionObjects', split='train', per_class=100)  # as many as the synthetic dataset has
objects_root = None  # not used
