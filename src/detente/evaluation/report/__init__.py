"""The report: one HTML file a run or comparison that opens from disk, needs no network and no script."""
