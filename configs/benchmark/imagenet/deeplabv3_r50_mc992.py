"""MC-992: background and 991 classes of ImageNet (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_mc992.py 4 --cfg-options pretrained=densecl train_data=biggan-off

The logits of a crop of 512 px take 16 MB at stride 8 and 1 GB at stride 1, so the loss is computed at stride 8 (ours). Not run by us,
because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'mc992'
num_labels = 992
ignore = 65535
loss_stride = 8
