"""Files of the iden3 family: strict readers and writers."""
