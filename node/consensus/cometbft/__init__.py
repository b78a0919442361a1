"""CometBFT as the engine of several validators: a server of ABCI 2.0 around the application."""
