* want: line 12, column 15, field 3 (row): "R9" is no row of the ROWS section
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
    X3        R9               1.0
ENDATA
