"""What the model says: counting, writing, cutting and slicing of text. Pure: no I/O, no clock, no chance.

The modules are imported one by one where they are needed; this package imports nothing.
"""
