"""The workspace's pages of the measures: the report, what was done, and whom to reach in each department."""
