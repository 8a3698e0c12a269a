* want: line 15, column 32, field 4 (number): "Inf" is infinite, want a finite number
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
RANGES
    RNG       R1               Inf
ENDATA
