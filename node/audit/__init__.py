"""Chain audits: the whole history checked again from genesis, and the files it travels in."""
