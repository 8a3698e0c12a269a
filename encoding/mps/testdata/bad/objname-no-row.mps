* want: OBJNAME names "COST", which is no N row
NAME X
OBJNAME
    COST
ROWS
 N  OBJ
 L  R1
 E  R2
 G  R3
COLUMNS
    X1        OBJ              1.0   R1               1.0
    X1        R2               1.0
    X2        R2               1.0   R3               2.0
ENDATA
