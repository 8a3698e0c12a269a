* want: line 16, column 15, field 3 (column): the entry of "X2" and "X1" is 2, and 1 in the other triangle: Q must be symmetric
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
RHS
    RHS       R1               4.0   R2               1.0
QMATRIX
    X1        X2               1.0
    X2        X1               2.0
ENDATA
