"""The pre-trainings of the paper: their titles, and the files of their backbones. Set your own files with --cfg-options."""

densecl = 'work_dirs/densecl_r50_200ep_in1k/backbone.safetensors'
moco = 'moco_v2_200ep_pretrain.pth.tar'  # as published
ours = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'
processes = 8  # GPUs of each training

titles = dict(random='random init.', supervised='supervised', moco='MoCo-v2', densecl='DenseCL', ours='BigGAN-sim-FPN')
backbones = dict(random=None, supervised='torchvision://resnet50', moco=moco, densecl=densecl, ours=ours)
