"""What every paper is set with: fonts that a PDF embeds, and lines of Chinese."""
