* want: line 12, column 15, field 2: the line has 2 field(s), want a column, and one or two pairs of a name and a number
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
    X3        R1
ENDATA
