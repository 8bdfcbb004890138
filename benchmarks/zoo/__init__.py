"""The benchmark `zoo`: every family on exact contours, weak circles and real sets (README of the folder above)."""
