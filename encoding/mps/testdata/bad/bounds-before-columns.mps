* want: line 8, column 1, section: "BOUNDS" comes before COLUMNS, want it after
NAME          X
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
BOUNDS
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
