"""The private environment: encrypted until ordered. Its first parts arrive with sealed intents."""
