* want: line 11: the problem has no columns, want at least one
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS
RHS
    RHS       R1               4.0   R2               1.0
ENDATA
