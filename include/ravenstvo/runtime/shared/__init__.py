"""The shared warehouse: facts, dimensions and marts of many regions side by side, each region seen by its own readers.

Every region calculates by itself; ``collect`` brings what it has calculated, ``readers`` lets people in.
"""
