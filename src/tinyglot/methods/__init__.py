"""One folder a compression method; see `contract.py` for what each must be."""
