"""The node's HTTP interface and its client."""
