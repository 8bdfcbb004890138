"""One trainer and one way of looking for every family that ultralytics does not bring.

A family gives a network (`network.CellNetwork`); this package gives it data, augmentation, an optimiser, checkpoints,
resumption and looking. Everything but `recipe` imports torch or OpenCV: import it inside functions.
"""
