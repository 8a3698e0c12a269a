* want: line 3, column 1: a data line stands before the first section; want ROWS first (section names begin in column 1)
NAME X
    X1 R1 1
ENDATA
