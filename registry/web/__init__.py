"""What all doors of HTTP share."""
