"""Figures of studies in percent, read from the logged metrics of OpenMMLab."""

coco = [
    dict(name=name, title=title, read=f'validations:coco/{name}', scale=100.0, unit='%')
    for name, title in dict(
        bbox_mAP='AP^bb',
        bbox_mAP_50='AP^bb 50',
        bbox_mAP_75='AP^bb 75',
        segm_mAP='AP^mk',
        segm_mAP_50='AP^mk 50',
        segm_mAP_75='AP^mk 75',
    ).items()
]
voc = [
    dict(name=name, title=title, read=f'validations:pascal_voc/{name}', scale=100.0, unit='%')
    for name, title in dict(mAP='AP', AP50='AP50', AP75='AP75').items()
]
cityscapes = [
    dict(name='mAP', title='AP^mk', read='validations:cityscapes/mAP', scale=100.0, unit='%'),
    dict(name='AP50', title='AP^mk 50', read='validations:cityscapes/AP@50', scale=100.0, unit='%'),
]
semantic = [dict(name='mIoU', read='validations:mIoU', unit='%')]
