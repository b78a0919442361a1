"""Gossip of intents: signed messages, admission, an overlay without I/O, buses. Rules GO-n."""
