"""LoRA adapters of a text-to-image pipeline: those of the U-Net and of its text encoder."""

attention = ('to_q', 'to_k', 'to_v', 'to_out.0')
convolutions = ('conv1', 'conv2', 'conv_in', 'conv_out', 'proj_in', 'proj_out')
lora = dict(rank=8, alpha=8, target_modules=(*attention, *convolutions))  # attention alone is usual for Stable Diffusion
text_lora = dict(rank=8, alpha=8, target_modules=('q_proj', 'k_proj', 'v_proj', 'out_proj', 'token_embedding'))  # None: frozen
