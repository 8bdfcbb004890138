"""Figures that the server draws as SVG: numbers in, shapes with coordinates out; templates only write them down."""
