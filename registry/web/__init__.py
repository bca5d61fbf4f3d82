"""What all doors of the web share."""
