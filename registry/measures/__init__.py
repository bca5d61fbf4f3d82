"""The measures of the supervising departments: what is counted, handed over and answered beside the list."""
