* want: line 12, column 38, field 5 (row): "R2" has two entries in column "X3", want one
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
    X3        R2               5.0   R2               6.0
ENDATA
