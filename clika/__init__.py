"""CLiKA measures cross-lingual knowledge alignment of large language models on three levels.

The house is drawn in the README's map of the code. Importing this package does nothing.
"""

__version__ = "0.1.0"
