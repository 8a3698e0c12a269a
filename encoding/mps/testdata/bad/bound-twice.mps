* want: line 16, column 15, field 3 (column): "X1" is given a bound twice, with different values
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
    RHS       R1               4.0   R2               1.0
BOUNDS
 UP BND       X1               4.0
 UP BND       X1               5.0
ENDATA
