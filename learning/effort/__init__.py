"""What predictions are worth to readers: what became of them, the time it took, and whether readers follow them."""
