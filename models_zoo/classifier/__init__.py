"""Family 6: the class of one cell from its crop, by any timm backbone (README of this folder)."""
