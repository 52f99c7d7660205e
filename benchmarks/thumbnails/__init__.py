"""What thumbnails cost: ours, Pillow's usual way, sharp, and a scaled decode alone."""
