"""What the lab costs, each figure beside the same work without the lab. Run by `make bench`."""
