"""Everything that talks, stores or decides. Empty: importing `node.core` pulls in nothing."""
