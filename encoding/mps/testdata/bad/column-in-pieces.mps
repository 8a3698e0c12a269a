* want: line 12, column 5, field 2 (column): "X1" was ended by column "X2"; want all lines of a column together
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
    X1        R3               5.0
ENDATA
