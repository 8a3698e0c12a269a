* want: line 13, column 5, field 1: the line has 1 field(s), want a set's name, which may be left out, and one or two pairs of a row and a number
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
    R1
ENDATA
