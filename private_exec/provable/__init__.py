"""Private programs whose results are proved: by members, on their shares, for everybody.

`lower` writes a program in two operations, products and bits; `rows` makes a constraint system of
those; `protocol` runs them on shares and proves the run; `transition` is what observers check.
"""
