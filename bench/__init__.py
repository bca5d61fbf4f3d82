"""Speed of the register: `python -m bench`. Prints tables; ratios against a baseline of the same run are what counts."""
