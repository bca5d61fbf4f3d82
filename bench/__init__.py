"""Speed of the register: `python -m bench`. Ratios against a baseline of the same run are what counts."""
