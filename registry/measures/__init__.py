"""What the campaign around the list asks for: leads, supervision, reports, letters."""
