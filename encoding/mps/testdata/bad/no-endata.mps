* want: line 14: the file ends here without ENDATA: it seems to be cut off
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
