"""The one error that people are meant to read."""


class Refused(Exception):
    """What was asked for cannot be done. The message says what is wrong and what to do, in a sentence for people."""
