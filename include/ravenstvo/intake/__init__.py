"""From a folder of files to the landing tables: discover, open, recognise, map, land.

Nothing is imported here: the reading processes must stay light.
"""
