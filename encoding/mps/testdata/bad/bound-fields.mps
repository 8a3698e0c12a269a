* want: line 15, column 38, field 5: the line has 5 field(s), want a type, a set's name, which may be left out, a column, and a number unless the type is FR, MI or PL
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
 UP BND       X1               4.0   X2
ENDATA
