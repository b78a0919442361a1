"""A member of a committee as a process: follows the chain, talks to others, sends what is due."""
