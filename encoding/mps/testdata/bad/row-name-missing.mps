* want: line 8, column 3, field 2 (row): the row has no name
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
 L
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
