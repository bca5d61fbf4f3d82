"""The public register of institutions approved for assisted reproduction."""

__version__ = "0.1.0"
