"""Make multilingual encoders small for the languages you need, and prove what the cut cost."""

__version__ = "0.1.0"
