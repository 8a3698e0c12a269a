* want: line 15, column 32, field 4 (number): "1e30" is infinite (1e20 or more), which a bound of type LO cannot be there
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
 LO BND       X1               1e30
ENDATA
