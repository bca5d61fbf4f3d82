"""Search: a view that turns what people type into the subjects of institutions."""
