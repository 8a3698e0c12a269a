* want: line 10, column 32, field 4 (number): "1.0   R1" is not a number (fields are taken from fixed columns since line 8, whose names contain blanks)
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
 L  R4  7
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
