"""What a model found on labelled fields when it was made, kept beside its weights so that pages can show its errors."""
