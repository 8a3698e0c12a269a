* want: line 12, column 27: "1" is field 9 of a line, want at most 8
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
    X3 R1 1 R2 1 R3 1 OBJ 1
ENDATA
