"""What the README and the documents claim, measured again by `python -m benchmarks.NAME`: see README.md here."""
