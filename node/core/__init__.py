"""The leaf that environments and node share: types, codec, protocols."""
