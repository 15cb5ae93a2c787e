"""What an analysis reads: images with masks, whoever made them."""
