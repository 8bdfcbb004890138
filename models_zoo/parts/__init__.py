"""Building blocks that several families share: backbones, anchors, heads. Needs torch and torchvision."""
