"""FG/BG: foreground and background over all classes (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_fgbg.py 4 --cfg-options pretrained=densecl train_data=biggan-off

Not run by us, because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'fgbg'
num_labels = 2
