"""densecl_biggan_fpn_in1k.py with foreground/background labels, for the chest X-ray transfer (paper, section 5.3, Table 5).

tools/dist_train.sh configs/densecl_biggan_fpn_fgbg_in1k.py 8
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

label_space = 'fgbg'  # paper
num_labels = 2
ignore = 255
