"""The measures' report: each department's figures by period and region, counted from their entries."""
