* want: line 7, column 2, field 1 (type): "Q" is no type of a row, want N, L, G or E
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 Q  R3
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
