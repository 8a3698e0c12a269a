* want: line 12, column 32, field 4 (number): "NaN" is NaN, want a number
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
    X3        R1               NaN
ENDATA
